// The upload and the result of an image, if they are kept in Redis, as blobs among the image's other keys.
// The scripts that end an image free them.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { openBlob, writeBlob, type Blob, type WriteAtLimit } from '../redis/blob.ts';
import { hashFields } from '../redis/hash-fields.ts';
import { imageKeys, queueKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';

/** How long staged bytes are kept if their writer died. */
const STAGED_TTL_S = 600;

export type BlobPart = 'upload' | 'result';

export class ImageBlobs {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  /**
   * Stores `chunks` with image `id` as a whole, unless the image is no longer in progress. A result is stored even if Redis
   * is at its memory limit: its image frees more than that when it is closed.
   */
  async put(
    id: string,
    part: BlobPart,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const token = `${part}-${randomBytes(6).toString('hex')}`;
    const writeAtLimit: WriteAtLimit = (...fields) =>
      this.#scripts.run('put-part', id, token, STAGED_TTL_S, ...fields);
    const key = this.#keys(id).staged(token);
    await writeBlob(this.#redis, key, chunks, STAGED_TTL_S, part === 'result' ? writeAtLimit : undefined);
    await this.#scripts.run('take-blob', id, token, part);
  }

  /** Returns the blob, or null if there is none. */
  async open(id: string, part: BlobPart): Promise<Blob | null> {
    return openBlob(this.#redis, this.#keys(id)[part]);
  }

  /** Returns the image whose upload has this `name`, or null. */
  async ownerOf(name: string): Promise<string | null> {
    return this.#redis.hget(this.#uploads, name);
  }

  /** Returns the names of all uploads, sorted. */
  async uploadNames(): Promise<string[]> {
    const fields = await hashFields(this.#redis, this.#uploads);
    return fields.map(([name]) => name).sort();
  }

  get #uploads(): string {
    return queueKeys(this.#keyPrefix).uploads;
  }

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
