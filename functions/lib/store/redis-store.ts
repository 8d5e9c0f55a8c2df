// Images in Redis, each kept for a while: works on any cluster with no volume at all.
import { randomBytes } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';
import { assertPath } from './names.ts';
import { inBatches, type Store, type StoredFile } from './store.ts';

const CHUNK_BYTES = 1 << 20;

export class RedisStore implements Store {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #ttlS: number;

  /** Keeps files under `prefix`, each for `ttlS` seconds after it was written. */
  constructor(redis: Redis, prefix: string, ttlS: number) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#ttlS = ttlS;
  }

  async list(path: string): Promise<string[]> {
    assertPath(path);
    const now = Date.now();
    await this.#redis.zremrangebyscore(this.#index, '-inf', now);
    const names = await this.#redis.zrange(this.#index, '0', '-1');
    const found = names.filter((name) => path === '' || name === path || name.startsWith(`${path}/`)).sort();
    if (found.length === 0 && path !== '') throw missing(path);
    return found;
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

  async open(name: string): Promise<StoredFile | null> {
    assertPath(name);
    const sizeBytes = await this.#redis.strlen(this.#file(name));
    return sizeBytes === 0 ? null : { sizeBytes, read: () => this.#chunks(name, sizeBytes) };
  }

  async write(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    assertPath(name);
    const partial = `${this.#prefix}:partial:${randomBytes(8).toString('hex')}`;
    try {
      for await (const batch of inBatches(chunks)) {
        // The partial file expires by itself should this writer die.
        await sendTogether(this.#redis, [
          ...batch.map((chunk) => new BytesCommand('append', partial, chunk)),
          new Command('expire', [partial, this.#ttlS]),
        ]);
      }
      await this.#redis
        .multi()
        .rename(partial, this.#file(name))
        .expire(this.#file(name), this.#ttlS)
        .zadd(this.#index, Date.now() + this.#ttlS * 1000, name)
        .exec()
        .then(throwFaults);
    } catch (error) {
      await this.#redis.unlink(partial).catch(() => {}); // It expires by itself; the first fault is the one to tell.
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    assertPath(name);
    await this.#redis.multi().unlink(this.#file(name)).zrem(this.#index, name).exec().then(throwFaults);
  }

  async *#chunks(name: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      yield await this.#redis.getrangeBuffer(this.#file(name), at, Math.min(at + CHUNK_BYTES, sizeBytes) - 1);
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

function throwFaults(answers: [error: Error | null, result: unknown][] | null): void {
  const fault = answers?.find(([error]) => error !== null)?.[0];
  if (fault) throw fault;
}

function missing(name: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
}
