// Images in Redis, each kept for a while: works on any cluster with no volume at all.
import { randomBytes } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';
import { assertPath } from './names.ts';
import { HEAD_BYTES, inBatches, wholeOf, type Listing, type Store, type StoredFile } from './store.ts';

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

  async open(name: string): Promise<StoredFile | null> {
    assertPath(name);
    const file = this.#file(name);
    const [sizeBytes, head, expiresAt] = await this.#together<[number, Buffer, string | null]>([
      ['strlen', file],
      ['getrangeBuffer', file, 0, HEAD_BYTES - 1],
      ['zscore', this.#index, name],
    ]);
    if (sizeBytes === 0) return null;
    const version = expiresAt ?? '';
    return {
      sizeBytes,
      head,
      version,
      read: () => wholeOf(this.#chunks(name, sizeBytes, version), sizeBytes),
      close: async () => {},
    };
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
      await this.#together([
        ['rename', partial, this.#file(name)],
        ['expire', this.#file(name), this.#ttlS],
        ['zadd', this.#index, Date.now() + this.#ttlS * 1000, name],
      ]);
    } catch (error) {
      await this.#redis.unlink(partial).catch(() => {}); // It expires by itself; the first fault is the one to tell.
      throw error;
    }
  }

  async remove(name: string, isMeant: (file: StoredFile) => boolean = () => true): Promise<boolean> {
    const file = await this.open(name);
    if (file === null || !isMeant(file)) return false;
    const [removed] = await this.#together<[number, number]>([
      ['unlink', this.#file(name)],
      ['zrem', this.#index, name],
    ]);
    return removed > 0;
  }

  /** The file's bytes as long as it is the version that was opened. */
  async *#chunks(name: string, sizeBytes: number, version: string): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      const end = Math.min(at + CHUNK_BYTES, sizeBytes) - 1;
      const [chunk, expiresAt] = await this.#together<[Buffer, string | null]>([
        ['getrangeBuffer', this.#file(name), at, end],
        ['zscore', this.#index, name],
      ]);
      if ((expiresAt ?? '') !== version) return; // Replaced, and `wholeOf` says so.
      yield chunk;
    }
  }

  /** Runs `commands` as one transaction and returns their replies. */
  async #together<Replies>(commands: unknown[][]): Promise<Replies> {
    const replies = await this.#redis.multi(commands).exec();
    if (replies === null) throw new Error('A transaction was discarded');
    for (const [error] of replies) if (error) throw error;
    return replies.map(([, reply]) => reply) as Replies;
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
