// A pool of threads that convolve tiles.
import type { Piscina } from 'piscina';
import { coreInSource, sourceOf, tileGrid } from '../lib/tile-grid.ts';
import type { Claim } from '../lib/queue/tile-queue.ts';
import type { ConvolveTask } from './convolve-thread.ts';

/** Run from source or bundled, the thread's file has the same extension as this one. */
const THREAD_FILE = new URL(
  `./convolve-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

export class Convolver {
  readonly #threads: number;
  #pool: Promise<Piscina<ConvolveTask, Uint8Array>> | null = null;

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** Starts the threads, if they are not started yet. The first tile does it; a worker that expects one can before. */
  start(): Promise<Piscina<ConvolveTask, Uint8Array>> {
    this.#pool ??= this.#startPool();
    return this.#pool;
  }

  async #startPool(): Promise<Piscina<ConvolveTask, Uint8Array>> {
    const { Piscina } = await import('piscina');
    return new Piscina({
      filename: THREAD_FILE.href,
      minThreads: this.#threads,
      maxThreads: this.#threads,
      idleTimeout: Infinity,
    });
  }

  /** The blurred core of a claimed tile. Takes the claim's source bytes with it. */
  async convolve(claim: Claim): Promise<Uint8Array> {
    if (claim.source === null) throw new Error('its source pixels are gone');
    const grid = tileGrid(claim.width, claim.height, claim.tileSizePx, claim.kernelSize);
    const { width, height } = sourceOf(grid, claim.job.tile);
    const data = transferable(claim.source);
    const task = {
      source: { data, width, height },
      kernelSize: claim.kernelSize,
      core: coreInSource(grid, claim.job.tile),
    };
    const pool = await this.start();
    return pool.run(task, { transferList: [data.buffer] });
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }
}

/** The same bytes in a buffer of their own: a buffer shared with others cannot move to another thread. */
function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
