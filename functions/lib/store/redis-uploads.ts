// Uploads in Redis, each kept with its image while that is in progress. This needs no volume.
import { Problem } from '../errors.ts';
import { labelOf } from '../image/label.ts';
import type { ImageBlobs } from '../queue/image-blobs.ts';
import { BlobGone } from '../redis/blob.ts';
import { EARLIER_RESULT } from './find-images.ts';
import { isResultFile } from './names.ts';
import type { Inputs, Listing } from './store.ts';

export class RedisUploads implements Inputs {
  readonly #blobs: ImageBlobs;

  constructor(blobs: ImageBlobs) {
    this.#blobs = blobs;
  }

  async list(path: string): Promise<Listing> {
    if (path === '') return this.#listAll();
    if ((await this.#blobs.ownerOf(path)) === null) throw missing(path);
    return { names: [path], skipped: [] };
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const id = await this.#blobs.ownerOf(name);
    const blob = id && (await this.#blobs.open(id, 'upload'));
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

  async #listAll(): Promise<Listing> {
    const listing: Listing = { names: [], skipped: [] };
    for (const name of await this.#blobs.uploadNames()) {
      if (isResultFile(name) && (await this.#isResult(name)))
        listing.skipped.push({ name, reason: EARLIER_RESULT });
      else listing.names.push(name);
    }
    return listing;
  }

  /** Returns whether an upload says that it is a result. */
  async #isResult(name: string): Promise<boolean> {
    const id = await this.#blobs.ownerOf(name);
    const blob = id && (await this.#blobs.open(id, 'upload'));
    if (!blob) return false;
    try {
      for await (const head of blob.read()) return labelOf(head) !== null;
    } catch (error) {
      if (!(error instanceof BlobGone)) throw error;
    }
    return false;
  }

  /** Stores `bytes` as the upload of image `id`, unless the image is no longer in progress. */
  async keep(id: string, bytes: Uint8Array): Promise<void> {
    await this.#blobs.put(id, 'upload', [bytes]);
  }
}

function missing(name: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
}
