// Uploaded images in Redis, each kept with its image as long as that is under way: works with no volume at all.
import { Problem } from '../errors.ts';
import type { ImageBlobs } from '../queue/image-blobs.ts';
import { BlobGone } from '../redis/blob.ts';
import type { Inputs, Listing } from './store.ts';

export class RedisUploads implements Inputs {
  readonly #blobs: ImageBlobs;

  constructor(blobs: ImageBlobs) {
    this.#blobs = blobs;
  }

  async list(path: string): Promise<Listing> {
    if (path === '') return { names: await this.#blobs.uploadNames(), skipped: [] };
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

  /** Keeps `bytes` as the upload of image `id`, unless that is not under way any more. */
  async keep(id: string, bytes: Uint8Array): Promise<void> {
    await this.#blobs.put(id, 'upload', [bytes]);
  }
}

function missing(name: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
}
