// Results in Redis, each among the other keys of its image: nobody else's can be there.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { imageKeys } from '../queue/keys.ts';
import { QueueScripts } from '../queue/scripts.ts';
import { openBlob, writeBlob } from '../redis/blob.ts';
import type { FoundResult, Results } from './results.ts';

/** How long bytes stay that a writer who died left on the way. */
export const PARTIAL_TTL_S = 600;

export class RedisResults implements Results {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  placeOf(id: string, output: string): string {
    return `${id}/${output}`;
  }

  async open(id: string): Promise<FoundResult> {
    const blob = await openBlob(this.#redis, this.#keys(id).result);
    return blob ? { is: 'own', file: { ...blob, close: async () => {} } } : { is: 'missing' };
  }

  async write(id: string, _place: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const token = `result-${randomBytes(6).toString('hex')}`;
    await writeBlob(this.#redis, this.#keys(id).staged(token), chunks, PARTIAL_TTL_S);
    await this.#scripts.run('take-blob', id, token, 'result');
  }

  /** The queue's scripts have freed it with the image's end. */
  async remove(): Promise<boolean> {
    return false;
  }

  /** Redis itself lets them expire. */
  async expire(): Promise<void> {}

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
