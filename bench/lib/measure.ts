// Shared by all benches: jobs measured side by side in one run, medians, and a table to print.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const SETTLE_MS = 100;

/**
 * Returns the milliseconds of one run of `job`, after collecting the garbage of earlier runs. Whole images
 * leave hundreds of MB, which the next job would otherwise have to collect during its own work, on the other
 * core too.
 */
export async function timeAlone(job: () => Promise<unknown>): Promise<number> {
  collectGarbage();
  await sleep(SETTLE_MS);
  const startedAt = performance.now();
  await job();
  return performance.now() - startedAt;
}

/** Returns the middle value; for an even number of values the mean of the two. NaN if there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Does a job once. A job that measures itself, in another process, returns how long it took. */
export type Job = () => Promise<number | void> | number | void;

/**
 * Runs all jobs in turn, `rounds` times after one round to warm up, so that other load on the machine affects
 * all of them equally. Short jobs are repeated until a measurement takes `leastMs`. Returns each job's
 * milliseconds, one per round.
 */
export async function interleave(
  jobs: ReadonlyMap<string, Job>,
  { rounds = 7, leastMs = 10 }: { rounds?: number; leastMs?: number } = {},
): Promise<Map<string, number[]>> {
  const measured = new Map([...jobs.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, job] of jobs) {
      const ms = await measure(job, leastMs);
      if (round > 0) measured.get(name)?.push(ms);
    }
  }
  return measured;
}

async function measure(job: Job, leastMs: number): Promise<number> {
  let runs = 0;
  let own = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < leastMs) {
    own += (await job()) ?? Number.NaN;
    runs++;
    elapsed = performance.now() - start;
  }
  return (Number.isNaN(own) ? elapsed : own) / runs;
}

/** Returns rows of cells as lines of text; the first column is left-aligned, the others right-aligned. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}
