// One run of the chaos demonstration on this machine: one image, every blur process killed at once with tiles in hand,
// and what came of it.
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { Freeze } from './freeze.ts';
import { Pipeline } from '../local/pipeline.ts';
import { SplitClient, type ImageStatus } from '../local/split-client.ts';

/** How many blur processes died at once, with how many tiles in hand. */
export interface Kill {
  workers: number;
  inHand: number;
}

export interface ChaosResult {
  queue: 'naive' | 'lease';
  expected: number;
  processed: number;
  jobsInQueue: number;
  /** Images blurred but not written yet. */
  resultsInQueue: number;
  /** Tiles under a lease or waiting for another attempt. */
  inFlight: number;
  /** Tiles without a result. */
  missing: number[];
  isOutputPresent: boolean;
  kills: Kill[];
  ms: number;
}

export interface ChaosOptions {
  queue: 'naive' | 'lease';
  image: Uint8Array<ArrayBuffer>;
  kernel: number;
  /** How many times the workers are killed. */
  kills: number;
  workers: number;
  deadlineMs: number;
  signal: AbortSignal;
}

/** Short enough that a killed worker's tiles come back soon, long against a slow tile's third. */
const LEASE_MS = '2000';
/** What neither is queued nor in flight nor moves for so long is lost. */
const LOST_AFTER_MS = 4000;
const LOOK_EVERY_MS = 50;

/** Blurs `image` on a pipeline of its own while killing its workers. Nothing of the pipeline is left afterwards. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-chaos-'));
  const startedAt = performance.now();
  const pipeline = await Pipeline.start({
    env: {
      STORE: 'file',
      OUTPUT_PATH: folder,
      QUEUE_MODE: options.queue,
      KERNEL_SIZE: String(options.kernel),
      LEASE_MS,
      RETRY_BASE_MS: '100',
      ANNOUNCE_RETRY_MS: '1000',
      MAX_ATTEMPTS: '100',
      LOG_LEVEL: 'silent',
    },
    maxWorkers: options.workers,
  });
  const redis = pipeline.redisServer.connect();
  try {
    const client = new SplitClient(pipeline.splitUrl);
    const accepted = await client.upload('chaos.png', options.image, options.signal);
    const kills = await killWorkers(pipeline, redis, accepted, options);
    const status = await untilSettled(pipeline, redis, client, accepted.id, options);
    return {
      queue: options.queue,
      ...(await inspect(redis, pipeline.keyPrefix, status)),
      isOutputPresent: await exists(join(folder, 'chaos_blurred.png')),
      kills,
      ms: Math.round(performance.now() - startedAt),
    };
  } finally {
    redis.disconnect();
    await pipeline.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Kills all workers at once, as often as asked; each time some hold a tile. Fewer when the image was over before. */
async function killWorkers(
  pipeline: Pipeline,
  redis: Redis,
  { id, tiles }: ImageStatus,
  { kills, workers, signal }: ChaosOptions,
): Promise<Kill[]> {
  const freeze = new Freeze(redis, pipeline.keyPrefix, id);
  const done: Kill[] = [];
  while (done.length < kills) {
    // All workers have a tile, or too few tiles are left to wait for that.
    const enough = tiles / (2 * kills);
    const { done: doneBefore } = await freeze.counts();
    const inHand = await freeze.hold(
      (counts) => counts.inHand >= workers || counts.done - doneBefore >= enough,
      signal,
    );
    if (inHand === 0) return done;
    const victims = pipeline.scaler.workers;
    for (const victim of victims) victim.signal('SIGKILL');
    await Promise.all(victims.map(({ exited }) => exited));
    await untilForgotten(redis);
    await freeze.noteDeaths();
    await freeze.release();
    done.push({ workers: victims.length, inHand });
  }
  return done;
}

/** Waits until Redis has noticed that the dead are gone: what they had sent and it held is dropped by then. */
async function untilForgotten(redis: Redis): Promise<void> {
  const clients = async () =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n').length;
  let before = -1;
  for (let now = await clients(); now !== before; now = await clients()) {
    before = now;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Waits until the image is over, or nothing of it moves any more, or the deadline. */
async function untilSettled(
  pipeline: Pipeline,
  redis: Redis,
  client: SplitClient,
  id: string,
  { deadlineMs, signal }: ChaosOptions,
): Promise<ImageStatus> {
  const deadline = Date.now() + deadlineMs;
  let movedAt = Date.now();
  for (let before = ''; ; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
    const status = await client.status(id, signal);
    const isOver = ['done', 'failed', 'cancelled'].includes(status.status);
    const now = `${status.status} ${status.done} ${await pending(redis, pipeline.keyPrefix)}`;
    if (now !== before || !now.endsWith(' 0')) movedAt = Date.now();
    if (isOver || Date.now() - movedAt > LOST_AFTER_MS || Date.now() > deadline) return status;
    before = now;
  }
}

async function pending(redis: Redis, keyPrefix: string): Promise<number> {
  const { jobsInQueue, resultsInQueue, inFlight } = await queueCounts(redis, keyPrefix);
  return jobsInQueue + resultsInQueue + inFlight;
}

async function queueCounts(redis: Redis, keyPrefix: string) {
  const { queue, outbox, leases, delayed } = queueKeys(keyPrefix);
  return {
    jobsInQueue: await redis.llen(queue),
    resultsInQueue: await redis.zcard(outbox),
    inFlight: (await redis.zcard(leases)) + (await redis.zcard(delayed)),
  };
}

async function inspect(redis: Redis, keyPrefix: string, { id, status, tiles, done }: ImageStatus) {
  const finished = new Set(await redis.smembers(imageKeys(keyPrefix, id).done));
  const all = Array.from({ length: tiles }, (_, tile) => tile);
  return {
    expected: tiles,
    processed: done,
    missing: status === 'done' ? [] : all.filter((tile) => !finished.has(String(tile))),
    ...(await queueCounts(redis, keyPrefix)),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
