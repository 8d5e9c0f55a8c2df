// Shows how a run is doing: one bar an image and a line for the queue where there is a terminal, plain lines elsewhere.
import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { beginning, inColumns } from './columns.ts';
import type { ScalerState } from './scaler.ts';

export interface ImageProgress {
  name: string;
  tiles: number;
  done: number;
  state: string;
}

const BAR_WIDTH = 28;
const NAME_WIDTH = 24;

export class Progress {
  readonly #out: WriteStream;
  readonly #images = new Map<string, ImageProgress>();
  #scaler: ScalerState | null = null;
  #drawn = 0;
  #lastWorkers = -1;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  /** Takes the news of one image; `key` tells images apart. */
  image(key: string, progress: ImageProgress): void {
    const before = this.#images.get(key);
    this.#images.set(key, progress);
    if (this.#out.isTTY) this.#draw();
    else if (before?.state !== progress.state) {
      this.#out.write(`${progress.name}: ${progress.state} ${progress.done}/${progress.tiles}\n`);
    }
  }

  /** Takes the news of the queue and the workers. */
  scaler(state: ScalerState): void {
    this.#scaler = state;
    if (this.#out.isTTY) this.#draw();
    else if (state.running !== this.#lastWorkers) this.#out.write(`${queueLine(state)}\n`);
    this.#lastWorkers = state.running;
  }

  #draw(): void {
    const lines = [...this.#images.values()].map(barLine);
    if (this.#scaler) lines.push(queueLine(this.#scaler));
    moveCursor(this.#out, 0, -this.#drawn);
    clearScreenDown(this.#out);
    this.#out.write(lines.map((line) => `${beginning(line, this.#out.columns - 1)}\n`).join(''));
    this.#drawn = lines.length;
  }
}

function barLine({ name, tiles, done, state }: ImageProgress): string {
  const filled = tiles === 0 ? 0 : Math.floor((done / tiles) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${inColumns(name, NAME_WIDTH)} ${bar} ${String(done).padStart(4)}/${tiles} ${state}`;
}

function queueLine({ queue, leases, delayed, running }: ScalerState): string {
  return `queue ${queue}, in flight ${leases}, delayed ${delayed}, workers ${running}`;
}
