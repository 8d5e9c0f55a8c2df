// One run of `npm start`: images in, blurred images out, and the figures of it.
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { makeFolder } from '../functions/lib/store/make-folder.ts';
import { printable } from '../functions/lib/store/names.ts';
import { openFile } from '../functions/lib/store/open-file.ts';
import type { RunImage } from './inputs.ts';
import type { Pipeline } from './pipeline.ts';
import type { Progress } from './progress.ts';
import { SplitClient, type ImageStatus } from './split-client.ts';

/** Images uploaded at the same time. */
const UPLOADS = 2;
const STATUS_EVERY_MS = 50;
/** An image that is not done though nothing of it is queued or in flight for so long has lost tiles. */
const LOST_AFTER_MS = 5000;

export interface ImageResult {
  id: string | null;
  /** The file it was read from. */
  input: string;
  name: string;
  width: number | null;
  height: number | null;
  tiles: number;
  done: number;
  /** `done`, `failed`, `cancelled`, `refused` (never taken in) or `incomplete` (tiles were lost). */
  state: string;
  ms: number;
  /** The file its result is in; null when it has none. */
  output: string | null;
  error: string | null;
}

export interface RunOptions {
  recipe: Recipe;
  pipeline: Pipeline;
  images: RunImage[];
  /** Where the pipeline writes results. */
  stagingDir: string;
  /** Where they belong, on the same file system. */
  outDir: string;
  progress: Progress;
  signal: AbortSignal;
}

/** Blurs `images` over HTTP and returns what became of each, in their order. */
export async function blurFiles({
  recipe,
  pipeline,
  images,
  stagingDir,
  outDir,
  progress,
  signal,
}: RunOptions): Promise<ImageResult[]> {
  const parameters = { filter: recipe.filter, ...recipe.values };
  const client = new SplitClient(pipeline.splitUrl, pipeline.accessToken);
  const results: ImageResult[] = [];
  let next = 0;

  async function blurOne(at: number): Promise<ImageResult> {
    const startedAt = performance.now();
    const elapsedMs = () => Math.round(performance.now() - startedAt);
    const { input, path, name, output } = images[at];
    const shown = printable(input);
    const show = ({ tiles, status, done = 0 }: Pick<ImageStatus, 'tiles' | 'status'> & { done?: number }) =>
      progress.image(String(at), { name: shown, tiles, done, state: status });
    try {
      show({ tiles: 0, status: 'splitting' });
      const accepted = await client.upload(name, await readImage(path), signal, parameters);
      const status = await untilOver(accepted.id, show);
      const isWritten = status.status === 'done' && status.output !== null;
      const target = join(outDir, output);
      if (isWritten) await moveFile(join(stagingDir, basename(status.output ?? '')), target);
      return { ...resultOf(status), input, ms: elapsedMs(), output: isWritten ? target : null };
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      progress.image(String(at), { name: shown, tiles: 0, done: 0, state: `refused: ${reason}` });
      const nothing = { id: null, width: null, height: null, tiles: 0, done: 0, output: null };
      return { ...nothing, input, name, state: 'refused', ms: elapsedMs(), error: reason };
    }
  }

  async function untilOver(id: string, show: (status: ImageStatus) => void): Promise<ImageStatus> {
    let movedAt = Date.now();
    for (let before = ''; ; await sleep(STATUS_EVERY_MS, undefined, { signal })) {
      const status = await client.status(id, signal);
      show(status);
      if (status.status === 'done' || status.status === 'failed' || status.status === 'cancelled')
        return status;
      const now = JSON.stringify([status.status, status.done]);
      if (now !== before || (await pipeline.pending()) > 0) movedAt = Date.now();
      if (Date.now() - movedAt > LOST_AFTER_MS) {
        return { ...status, status: 'incomplete', error: `${status.tiles - status.done} tiles were lost` };
      }
      before = now;
    }
  }

  async function take(): Promise<void> {
    while (next < images.length) {
      const at = next++;
      results[at] = await blurOne(at);
    }
  }
  await Promise.all(Array.from({ length: UPLOADS }, take));
  return results;
}

function resultOf({ id, name, width, height, tiles, done, status, error }: ImageStatus) {
  return { id, name, width, height, tiles, done, state: status, error };
}

async function readImage(path: string): Promise<Uint8Array> {
  const { handle } = await openFile(path, path);
  try {
    const bytes = await handle.readFile();
    if (bytes.length === 0) throw new Error('the file is empty');
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Puts a result in its place, in a folder that may have to be made. */
async function moveFile(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await rename(from, to);
}
