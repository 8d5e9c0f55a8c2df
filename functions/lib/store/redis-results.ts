// Results in Redis, each among the other keys of its image: nobody else's can be there.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { imageKeys } from '../queue/keys.ts';
import { openBlob, writeBlob } from '../redis/blob.ts';
import { runTogether } from '../redis/run-together.ts';
import type { FoundResult, Results } from './results.ts';

/** How long the part of a result stays whose writer died. */
const PARTIAL_TTL_S = 600;

export class RedisResults implements Results {
  readonly #redis: Redis;
  readonly #keyPrefix: string;
  readonly #ttlS: number;

  /** Keeps each result for `ttlS` seconds. */
  constructor(redis: Redis, keyPrefix: string, ttlS: number) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#ttlS = ttlS;
  }

  placeOf(id: string, output: string): string {
    return `${id}/${output}`;
  }

  async open(id: string): Promise<FoundResult> {
    const blob = await openBlob(this.#redis, this.#keys(id).result);
    return blob ? { is: 'own', file: { ...blob, close: async () => {} } } : { is: 'missing' };
  }

  async write(id: string, _place: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { staged, result } = this.#keys(id);
    const partial = staged(`result-${randomBytes(6).toString('hex')}`);
    await writeBlob(this.#redis, partial, chunks, PARTIAL_TTL_S);
    await runTogether(this.#redis, [
      ['unlink', result],
      ['rename', partial, result],
      ['expire', result, this.#ttlS],
    ]);
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#redis.unlink(this.#keys(id).result)) > 0;
  }

  /** Redis itself lets them expire. */
  async expire(): Promise<void> {}

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
