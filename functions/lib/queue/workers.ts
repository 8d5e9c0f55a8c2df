// The register of workers: each one writes a sign of life about once a second, so that people can see which workers run and
// which were killed. Nothing else depends on it.
import type { Redis } from 'ioredis';
import { queueKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

/** After this silence a worker counts as lost: it was killed, or its node is gone. */
const LOST_MS = 5000;
/** How long a lost worker is shown. */
const SHOWN_MS = 60_000;
const FORGET_MS = LOST_MS + SHOWN_MS;

/** What a worker reports about itself. */
export interface WorkerLoad {
  /** Milliseconds since it was started. */
  uptimeMs: number;
  /** Tiles that it has claimed and not settled yet. */
  inFlight: number;
  /** Tiles that it has blurred. */
  done: number;
}

export interface Worker {
  id: string;
  /** When it was started, and its last sign of life, ms since the epoch by Redis's clock. */
  since: number;
  seen: number;
  inFlight: number;
  done: number;
  state: 'up' | 'lost';
}

export class Workers {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;
  readonly #clock: () => string;

  constructor(redis: Redis, keyPrefix: string, clock?: Clock) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /** Writes a worker's sign of life. `full`: there are too many workers, so this one is not shown. */
  async beat(id: string, { uptimeMs, inFlight, done }: WorkerLoad): Promise<'noted' | 'full'> {
    const load = [Math.round(uptimeMs), inFlight, done];
    return (await this.#scripts.run('beat', id, this.#clock(), ...load, FORGET_MS)) as 'noted' | 'full';
  }

  /** Removes a worker that stops in order. */
  async leave(id: string): Promise<void> {
    const { workers, workerStates } = queueKeys(this.#keyPrefix);
    await Promise.all([this.#redis.zrem(workers, id), this.#redis.hdel(workerStates, id)]);
  }

  /** Returns the time of Redis, ms, and the workers, the oldest first. */
  async list(): Promise<{ now: number; workers: Worker[] }> {
    const answer = await this.#scripts.run('workers', this.#clock(), FORGET_MS);
    const [now, ...fields] = answer as [number, ...string[]];
    const workers: Worker[] = [];
    for (let at = 0; at < fields.length; at += 3) {
      const seen = Number(fields[at + 1]);
      const [since, inFlight, done] = fields[at + 2].split(' ').map(Number);
      const state = now - seen > LOST_MS ? 'lost' : 'up';
      workers.push({ id: fields[at], since, seen, inFlight, done, state });
    }
    return { now, workers: workers.sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1)) };
  }
}
