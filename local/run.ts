// One run of `npm start`: images in, blurred images out, and the figures of it.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputName } from '../functions/lib/store/output-names.ts';
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
  name: string;
  width: number | null;
  height: number | null;
  tiles: number;
  done: number;
  /** `done`, `failed`, `cancelled`, `refused` (never taken in) or `incomplete` (tiles were lost). */
  state: string;
  ms: number;
  output: string | null;
  error: string | null;
}

export interface RunOptions {
  pipeline: Pipeline;
  files: string[];
  outDir: string;
  progress: Progress;
  signal: AbortSignal;
}

/** Blurs `files` over HTTP and answers what became of each, in their order. */
export async function blurFiles({
  pipeline,
  files,
  outDir,
  progress,
  signal,
}: RunOptions): Promise<ImageResult[]> {
  const client = new SplitClient(pipeline.splitUrl, pipeline.accessToken);
  const names = imageNames(files);
  const results: ImageResult[] = [];
  let next = 0;

  async function blurOne(at: number): Promise<ImageResult> {
    const startedAt = performance.now();
    const elapsedMs = () => Math.round(performance.now() - startedAt);
    const name = names[at];
    const show = ({ tiles, status, done = 0 }: Pick<ImageStatus, 'tiles' | 'status'> & { done?: number }) =>
      progress.image(String(at), { name, tiles, done, state: status });
    try {
      show({ tiles: 0, status: 'splitting' });
      const accepted = await client.upload(name, await readFile(files[at]), signal);
      const status = await untilOver(accepted.id, show);
      const output = status.status === 'done' && status.output ? join(outDir, status.output) : null;
      return { ...resultOf(status), ms: elapsedMs(), output };
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      progress.image(String(at), { name, tiles: 0, done: 0, state: `refused: ${reason}` });
      const nothing = { id: null, width: null, height: null, tiles: 0, done: 0, output: null };
      return { ...nothing, name, state: 'refused', ms: elapsedMs(), error: reason };
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
    while (next < files.length) {
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

/** A name for each file that split accepts and whose result no other file of the run overwrites. */
export function imageNames(files: string[]): string[] {
  const taken = new Set<string>();
  return files.map((file) => {
    const clean = basename(file)
      .replace(/[^A-Za-z0-9._-]+/g, '_')
      .slice(-100);
    let name = clean;
    for (let copy = 2; taken.has(outputName(name)); copy++) name = clean.replace(/(\.[^.]*)?$/, `-${copy}$1`);
    taken.add(outputName(name));
    return name;
  });
}
