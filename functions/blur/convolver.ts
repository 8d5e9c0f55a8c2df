// Where tiles are convolved: one at a time right here, several at a time in threads. Convolving blocks whoever does it. A
// tile takes about a millisecond and the largest there are 20, which leases, probes and signals can wait for; being
// handed to a thread and back costs about as much as that millisecond. docs/adr/0006 has the figures.
import type { Piscina } from 'piscina';
import { coreInSource, sourceOf, tileGrid } from '../lib/image/tile-grid.ts';
import type { Claim } from '../lib/queue/tile-queue.ts';
import type { ConvolveTask } from './convolve-tile.ts';

/** Run from source or bundled, the thread's file has the same extension as this one. */
const THREAD_FILE = new URL(
  `./convolve-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

interface Place {
  run(task: ConvolveTask): Uint8Array | Promise<Uint8Array>;
  close(): Promise<void>;
}

export class Convolver {
  readonly #atOnce: number;
  #place: Promise<Place> | null = null;

  /** Convolves up to `atOnce` tiles at the same time. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Gets ready, if it is not yet. The first tile does it; a worker that expects one can before. */
  start(): Promise<Place> {
    this.#place ??= this.#atOnce === 1 ? here() : inThreads(this.#atOnce);
    return this.#place;
  }

  /** The blurred core of a claimed tile. Takes the claim's source bytes with it. */
  async convolve(claim: Claim): Promise<Uint8Array> {
    if (claim.source === null) throw new Error('its source pixels are gone');
    const grid = tileGrid(claim.width, claim.height, claim.tileSizePx, claim.kernelSize);
    const { width, height } = sourceOf(grid, claim.job.tile);
    const place = await this.start();
    return place.run({
      source: { data: claim.source, width, height },
      kernelSize: claim.kernelSize,
      core: coreInSource(grid, claim.job.tile),
    });
  }

  async close(): Promise<void> {
    await (await this.#place)?.close();
  }
}

async function here(): Promise<Place> {
  const { convolveTile } = await import('./convolve-tile.ts');
  return { run: convolveTile, close: async () => {} };
}

async function inThreads(threads: number): Promise<Place> {
  const { Piscina } = await import('piscina');
  const pool: Piscina<ConvolveTask, Uint8Array> = new Piscina({
    filename: THREAD_FILE.href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Infinity,
  });
  return {
    run(task) {
      const data = transferable(task.source.data);
      const source = { ...task.source, data };
      return pool.run({ ...task, source }, { transferList: [data.buffer] });
    },
    close: () => pool.destroy(),
  };
}

/** The same bytes in a buffer of their own: a buffer shared with others cannot move to another thread. */
function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
