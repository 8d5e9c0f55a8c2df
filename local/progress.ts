// Shows the state of a run: each finished image once, and below them the images in progress.
import type { WriteStream } from 'node:tty';
import type { ImageResult } from './image-result.ts';
import { finishedLine, imageLine, totalLine, type ImageNews } from './progress-lines.ts';
import type { RunView } from './run.ts';
import type { ScalerState } from './scaler.ts';
import { Screen } from './screen.ts';

const SIGN_COLUMNS = 3;

export class Progress implements RunView {
  readonly #screen: Screen;
  readonly #images: number;
  readonly #startedAt = performance.now();
  readonly #inProgress = new Map<number, ImageNews>();
  #finished = 0;
  #megapixels = 0;
  #scaler: ScalerState | null = null;

  constructor(out: WriteStream, images: number) {
    this.#images = images;
    this.#screen = new Screen(out, (columns, rows) => this.#lines(columns, rows));
  }

  image(at: number, news: ImageNews): void {
    this.#inProgress.set(at, news);
    this.#screen.changed();
  }

  finished(at: number, result: ImageResult): void {
    this.#inProgress.delete(at);
    this.#finished++;
    const { output, width, height } = result;
    const isWritten = output !== null;
    if (isWritten) this.#megapixels += ((width ?? 0) * (height ?? 0)) / 1e6;
    const { columns, paint } = this.#screen;
    const sign = isWritten ? paint('green', '✓') : paint('red', '✗');
    const line = finishedLine(result, columns && columns - SIGN_COLUMNS);
    this.#screen.keep(`${columns === undefined ? ' ' : sign} ${isWritten ? line : paint('red', line)}`);
  }

  /** Updates the state of the queue and the workers. */
  scaler(state: ScalerState): void {
    this.#scaler = state;
    this.#screen.changed();
  }

  /** Prints a line of a function's log. */
  log(line: string): void {
    this.#screen.keep(line);
  }

  close(): void {
    this.#screen.close();
  }

  #lines(columns: number, rows: number): string[] {
    const inProgress = [...this.#inProgress.values()];
    const { paint } = this.#screen;
    const share = inProgress.reduce((sum, { tiles, done }) => sum + (tiles === 0 ? 0 : done / tiles), 0);
    const totals = {
      images: this.#images,
      finished: this.#finished,
      inProgress: share,
      megapixels: this.#megapixels,
      elapsedMs: performance.now() - this.#startedAt,
      scaler: this.#scaler,
    };
    return [
      ...inProgress.slice(0, rows - 1).map((news) => imageLine(news, columns, paint)),
      totalLine(totals, columns, paint),
    ];
  }
}
