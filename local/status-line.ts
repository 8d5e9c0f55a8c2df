// The status line of `--serve`: redrawn on a terminal, otherwise printed whenever a worker starts or ends.
import { readCounts } from '../functions/lib/queue/counts.ts';
import type { Pipeline } from './pipeline.ts';
import { scalerParts, servingLine } from './progress-lines.ts';
import type { ScalerState } from './scaler.ts';
import { Screen } from './screen.ts';

const COUNT_EVERY_MS = 1000;
/** How many of the newest images are counted. */
const COUNTED = 1000;

export class StatusLine {
  readonly #screen: Screen;
  #scaler: ScalerState | null = null;
  #counts = '';
  #told = '';
  #timer: NodeJS.Timeout | null = null;

  constructor() {
    this.#screen = new Screen(process.stdout, (columns) => [
      servingLine(this.#scaler, this.#counts, columns),
    ]);
  }

  keep(text: string): void {
    this.#screen.keep(text);
  }

  scaler(state: ScalerState): void {
    this.#scaler = state;
    this.#screen.changed();
    const workers = `workers ${state.running}`;
    if (!this.#screen.isLive && this.#told !== workers) this.keep(scalerParts(state).join(' · '));
    this.#told = workers;
  }

  /** Counts the images of `pipeline` from now on. */
  follow({ redis, keyPrefix }: Pipeline): void {
    this.#timer = setInterval(() => {
      readCounts(redis, keyPrefix, COUNTED).then(
        ({ done, failed }) => {
          this.#counts = `done ${done}, failed ${failed}`;
          this.#screen.changed();
        },
        () => {}, // Redis is away; the pipeline says why.
      );
    }, COUNT_EVERY_MS);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#screen.close();
  }
}
