// Sends split much more than the pipeline can process, over HTTP, and measures what happens.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pipeline } from '../local/pipeline.ts';
import { Refused, SplitClient } from '../local/split-client.ts';
import { picture, toPng } from '../functions/testing/pictures.ts';
import { LoadTraffic, type Answers } from './load-traffic.ts';

export interface LoadOptions {
  /** How long the load lasts. */
  seconds: number;
  /** How many times more than the pipeline can process. */
  factor: number;
  /** Side of the square images, in pixels. */
  sidePx: number;
}

export interface LoadResult {
  /** Images per second that the pipeline finishes if it always has a next one. */
  capacity: number;
  /** Images per second that were sent, and that should have been sent. */
  sent: number;
  aim: number;
  accepted: Answers;
  /** Answers 429. */
  refused: Answers;
  /** Requests for the status of an accepted image, sent beside the load. */
  status: Answers;
  /** Requests for /health/live and /health/ready, sent beside the load. */
  probes: Answers;
  /** Other outcomes of requests, in words, and how often they occurred. */
  others: Record<string, number>;
  /** Accepted images that were done at the end, and those that were not. */
  done: number;
  notDone: number;
  /** The most memory that Redis used for its data, and its limit. */
  redisPeakBytes: number;
  budgetBytes: number;
}

const WARM_UP_S = 3;
const MEASURE_S = 10;
/** Accepted images must all be done this long after the last was sent. */
const FINISH_S = 120;

/** Runs one load against a pipeline whose budget is `budgetBytes`. */
export async function runLoad(
  pipeline: Pipeline,
  budgetBytes: number,
  { seconds, factor, sidePx }: LoadOptions,
): Promise<LoadResult> {
  const png = await toPng(picture(sidePx, sidePx), 3);
  const client = new SplitClient(pipeline.splitUrl);
  await measureCapacity(client, png, WARM_UP_S);
  const capacity = await measureCapacity(client, png, MEASURE_S);
  const memory = watchMemory(pipeline);
  const load = new LoadTraffic(pipeline.splitUrl, png);
  await load.run(capacity * factor, seconds);
  const finished = await waitForAll(client, load.ids);
  const redisPeakBytes = await memory.stop();
  return {
    capacity,
    aim: capacity * factor,
    ...load.answers(),
    ...finished,
    redisPeakBytes,
    budgetBytes,
  };
}

/** Returns the images per second with a few always in progress. */
async function measureCapacity(client: SplitClient, png: Uint8Array, seconds: number): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const oneAfterAnother = async (lane: number): Promise<void> => {
    for (let n = 0; performance.now() - startedAt < seconds * 1000; n++) {
      const { id } = await client.upload(`capacity-${lane}-${n}-${startedAt}.png`, png);
      while ((await client.status(id)).status !== 'done') await sleep(10);
      done++;
    }
  };
  await Promise.all([0, 1, 2, 3].map(oneAfterAnother));
  return (done * 1000) / (performance.now() - startedAt);
}

/** Waits for a limited time until every image is done. */
async function waitForAll(client: SplitClient, ids: string[]): Promise<{ done: number; notDone: number }> {
  const deadline = Date.now() + FINISH_S * 1000;
  let left = ids;
  while (left.length > 0 && Date.now() < deadline) {
    const still: string[] = [];
    for (const id of left) if (!(await isDone(client, id))) still.push(id);
    left = still;
    if (left.length > 0) await sleep(500);
  }
  return { done: ids.length - left.length, notDone: left.length };
}

/** Returns whether an image is done. Records of ended images may be gone: they give way to newer images. */
async function isDone(client: SplitClient, id: string): Promise<boolean> {
  try {
    return (await client.status(id)).status === 'done';
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return true;
    throw error;
  }
}

/** Measures the most memory that Redis uses for its data, ten times per second. */
function watchMemory({ redis }: Pipeline): { stop: () => Promise<number> } {
  const stopping = new AbortController();
  let peak = 0;
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const found = /used_memory_dataset:(\d+)/.exec(await redis.info('memory'));
      peak = Math.max(peak, Number(found?.[1] ?? 0));
      await sleep(100);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return peak;
    },
  };
}
