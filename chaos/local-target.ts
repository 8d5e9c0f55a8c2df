// The chaos demonstration on this machine, with a new pipeline for each queue mode.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Guard } from '../local/guard.ts';
import { Pipeline } from '../local/pipeline.ts';
import { SplitClient } from '../local/split-client.ts';
import type { ChaosPlace, ChaosTarget, Narrate, QueueMode, RedisCall } from './target.ts';

/** Short, so that a killed worker's tiles come back soon, but a third of it is longer than a slow tile takes. */
const LEASE_MS = '2000';
const LOOK_EVERY_MS = 50;

export class LocalPlace implements ChaosPlace {
  readonly #workers: number;
  readonly #narrate: Narrate;
  #folder: string | null = null;
  #guard: Guard | null = null;
  #pipeline: Pipeline | null = null;
  #redis: Redis | null = null;

  /** `workers`: the most blur processes at a time. */
  constructor(workers: number, narrate: Narrate) {
    this.#workers = workers;
    this.#narrate = narrate;
  }

  async use(queue: QueueMode): Promise<ChaosTarget> {
    await this.close();
    this.#narrate(`starting a pipeline with the ${queue} queue`);
    this.#folder = await mkdtemp(join(tmpdir(), 'tessera-chaos-'));
    this.#guard = new Guard(this.#folder);
    const pipeline = await Pipeline.start({
      env: {
        STORE: 'file',
        OUTPUT_PATH: this.#folder,
        QUEUE_MODE: queue,
        LEASE_MS,
        RETRY_BASE_MS: '100',
        ANNOUNCE_RETRY_MS: '1000',
        MAX_ATTEMPTS: '100',
        LOG_LEVEL: 'silent',
      },
      maxWorkers: this.#workers,
    });
    this.#pipeline = pipeline;
    this.#redis = pipeline.redisServer.connect();
    const redis = callOf(this.#redis);
    return {
      redis,
      split: new SplitClient(pipeline.splitUrl),
      keyPrefix: pipeline.keyPrefix,
      countWorkers: async () => this.#workers,
      untilOthersLeft: async () => {},
      killWorkers: async () => {
        const victims = pipeline.scaler.workers;
        for (const victim of victims) victim.signal('SIGKILL');
        await Promise.all(victims.map(({ exited }) => exited));
        await untilForgotten(redis);
        return victims.length;
      },
    };
  }

  async close(): Promise<void> {
    this.#redis?.disconnect();
    await this.#pipeline?.kill();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
    this.#guard?.release();
    this.#redis = this.#pipeline = this.#folder = this.#guard = null;
  }
}

/** Returns replies as redis-cli prints them. */
function callOf(redis: Redis): RedisCall {
  return async (name, ...words) => lines((await redis.call(String(name), words)) as Reply);
}

type Reply = string | number | null | (string | number | null)[];

function lines(reply: Reply): string[] {
  return [reply]
    .flat()
    .map((element) => String(element ?? ''))
    .join('\n')
    .split('\n');
}

/**
 * Waits until Redis has noticed that the killed workers are gone. By then it has dropped the commands it held
 * back for them.
 */
async function untilForgotten(redis: RedisCall): Promise<void> {
  const clients = async () => (await redis('CLIENT', 'LIST')).length;
  let before = -1;
  for (let now = await clients(); now !== before; now = await clients()) {
    before = now;
    await sleep(LOOK_EVERY_MS);
  }
}
