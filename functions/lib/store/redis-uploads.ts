// Uploaded images in Redis, each kept with its image as long as that is under way: works with no volume at all.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { imageKeys, queueKeys } from '../queue/keys.ts';
import { QueueScripts } from '../queue/scripts.ts';
import { BlobGone, openBlob, writeBlob } from '../redis/blob.ts';
import { PARTIAL_TTL_S } from './redis-results.ts';
import type { Inputs, Listing } from './store.ts';

export class RedisUploads implements Inputs {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  async list(path: string): Promise<Listing> {
    const names = path === '' ? await this.#names() : (await this.#idOf(path)) ? [path] : null;
    if (names === null) throw missing(path);
    return { names, skipped: [] };
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const id = await this.#idOf(name);
    const blob = id && (await openBlob(this.#redis, this.#keys(id).upload));
    if (!blob) throw missing(name);
    const { sizeBytes } = blob;
    if (sizeBytes > maxBytes) {
      throw new Problem(
        'body-too-large',
        `${JSON.stringify(name)} has ${sizeBytes} bytes, more than the ${maxBytes} allowed.`,
      );
    }
    try {
      return Buffer.concat(await Array.fromAsync(blob.read()), sizeBytes);
    } catch (error) {
      throw error instanceof BlobGone ? missing(name) : error;
    }
  }

  /** Keeps `bytes` as the upload of image `id`, unless that is not under way any more. */
  async keep(id: string, bytes: Uint8Array): Promise<void> {
    const token = `upload-${randomBytes(6).toString('hex')}`;
    await writeBlob(this.#redis, this.#keys(id).staged(token), [bytes], PARTIAL_TTL_S);
    await this.#scripts.run('take-blob', id, token, 'upload');
  }

  async #names(): Promise<string[]> {
    const names = new Set<string>();
    let cursor = '0';
    do {
      const [next, found] = await this.#redis.hscan(this.#index, cursor, 'COUNT', 256);
      for (let at = 0; at < found.length; at += 2) names.add(found[at]);
      cursor = next;
    } while (cursor !== '0');
    return [...names].sort();
  }

  async #idOf(name: string): Promise<string | null> {
    return this.#redis.hget(this.#index, name);
  }

  get #index(): string {
    return queueKeys(this.#keyPrefix).uploads;
  }

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}

function missing(name: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
}
