// Uploaded images in Redis, each kept for a while: works on any cluster with no volume at all.
import { randomBytes } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';
import { runTogether } from '../redis/run-together.ts';
import { assertPath } from './names.ts';
import { inBatches, type Inputs, type Listing } from './store.ts';

export class RedisUploads implements Inputs {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #ttlS: number;

  /** Keeps files under `prefix`, each for `ttlS` seconds after it was written. */
  constructor(redis: Redis, prefix: string, ttlS: number) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#ttlS = ttlS;
  }

  async list(path: string): Promise<Listing> {
    assertPath(path);
    const now = Date.now();
    await this.#redis.zremrangebyscore(this.#index, '-inf', now);
    const names = await this.#redis.zrange(this.#index, '0', '-1');
    const found = names.filter((name) => path === '' || name === path || name.startsWith(`${path}/`)).sort();
    if (found.length === 0 && path !== '') throw missing(path);
    return { names: found, skipped: [] };
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    assertPath(name);
    const size = await this.#redis.strlen(this.#file(name));
    if (size > maxBytes) {
      throw new Problem('body-too-large', `${name} has ${size} bytes, more than the ${maxBytes} allowed.`);
    }
    const bytes = await this.#redis.getBuffer(this.#file(name));
    if (bytes === null) throw missing(name);
    return bytes;
  }

  async write(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    assertPath(name);
    const partial = `${this.#prefix}:partial:${randomBytes(8).toString('hex')}`;
    try {
      for await (const batch of inBatches(chunks)) {
        // The partial file expires by itself should this writer die.
        await sendTogether(this.#redis, [
          ...batch.map((chunk) => new BytesCommand('append', [partial], chunk)),
          new Command('expire', [partial, this.#ttlS]),
        ]);
      }
      await runTogether(this.#redis, [
        ['rename', partial, this.#file(name)],
        ['expire', this.#file(name), this.#ttlS],
        ['zadd', this.#index, Date.now() + this.#ttlS * 1000, name],
      ]);
    } catch (error) {
      await this.#redis.unlink(partial).catch(() => {}); // It expires by itself; the first fault is the one to tell.
      throw error;
    }
  }

  #file(name: string): string {
    return `${this.#prefix}:file:${name}`;
  }

  /** ZSET name → when it expires, ms. */
  get #index(): string {
    return `${this.#prefix}:files`;
  }
}

function missing(name: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
}
