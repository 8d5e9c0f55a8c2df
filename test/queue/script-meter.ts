// Counts the commands that Redis runs inside scripts. MONITOR lists every command and shows which ones came
// from a script.
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../local/redis-server.ts';

export class ScriptMeter {
  readonly #redis: Redis;
  readonly #monitor: Redis;
  /** Commands since a script began. */
  #running = 0;
  #most = 0;
  #isWatching = false;
  #marks = 0;
  #onMark = new Map<string, () => void>();

  private constructor(redis: Redis, monitor: Redis) {
    this.#redis = redis;
    this.#monitor = monitor;
    monitor.on('monitor', (_time: string, words: string[], source: string) => this.#see(words, source));
  }

  static async start(server: RedisServer): Promise<ScriptMeter> {
    const redis = server.connect();
    return new ScriptMeter(redis, await redis.monitor());
  }

  /** Counts the commands that `work` causes in Redis. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    await this.#seenUpToNow();
    this.#isWatching = true;
    try {
      return await work();
    } finally {
      await this.#seenUpToNow();
      this.#isWatching = false;
    }
  }

  /** Returns the most commands of one script since this was called last. */
  takeMost(): number {
    const most = this.#most;
    this.#most = 0;
    return most;
  }

  stop(): void {
    this.#monitor.disconnect();
    this.#redis.disconnect();
  }

  #see(words: string[], source: string): void {
    this.#running = source === 'lua' ? this.#running + 1 : 0;
    if (this.#isWatching) this.#most = Math.max(this.#most, this.#running);
    if (words[0].toLowerCase() === 'echo') this.#onMark.get(words[1])?.();
  }

  /** Resolves when the monitor has reported everything that Redis has done until now. */
  async #seenUpToNow(): Promise<void> {
    const mark = `mark ${this.#marks++}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onMark.set(mark, resolve);
    await this.#redis.echo(mark);
    await promise;
    this.#onMark.delete(mark);
  }
}
