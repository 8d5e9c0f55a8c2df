// Decides where tiles are convolved: in this thread if one tile is convolved at a time, otherwise in a pool
// of threads. A tile blocks its thread for about a millisecond, the largest one for 20. Leases, probes and
// signals can wait that long. Sending a tile to another thread and back takes about a millisecond too.
// docs/adr/0006 has the measurements.
import type { Piscina } from 'piscina';
import { haloOf, parseRecipe } from '../lib/filters/recipe.ts';
import { coreInSource, sourceOf, tileGrid } from '../lib/image/tile-grid.ts';
import type { Claim } from '../lib/queue/tile-queue.ts';
import type { ConvolveTask } from './convolve-tile.ts';

/** The thread's file has the same extension as this one, both in the sources and in the bundle. */
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

  /** Prepares the threads. The first tile does this too; a worker that expects one can do it earlier. */
  start(): Promise<Place> {
    this.#place ??= this.#atOnce === 1 ? here() : inThreads(this.#atOnce);
    return this.#place;
  }

  /** Returns the finished core of a claimed tile. The claim's source bytes cannot be used afterwards. */
  async convolve(claim: Claim): Promise<Uint8Array> {
    if (claim.source === null) throw new Error('its source pixels are gone');
    const recipe = parseRecipe(claim.recipe);
    const grid = tileGrid(claim.width, claim.height, claim.tileSizePx, haloOf(recipe));
    const { width, height } = sourceOf(grid, claim.job.tile);
    const place = await this.start();
    return place.run({
      source: { data: claim.source, width, height },
      recipe,
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

/** Returns the bytes in their own buffer, because a shared buffer cannot be transferred to another thread. */
function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
