// Results in Redis. Each is a key of its image, so it cannot belong to another one.
import type { ImageBlobs } from '../queue/image-blobs.ts';
import type { FoundResult, Results } from './results.ts';

export class RedisResults implements Results {
  readonly #blobs: ImageBlobs;

  constructor(blobs: ImageBlobs) {
    this.#blobs = blobs;
  }

  placeOf(id: string, output: string): string {
    return `${id}/${output}`;
  }

  async open(id: string): Promise<FoundResult> {
    const blob = await this.#blobs.open(id, 'result');
    return blob ? { is: 'own', file: { ...blob, close: async () => {} } } : { is: 'missing' };
  }

  async write(id: string, _place: string, chunks: AsyncIterable<Uint8Array>): Promise<null> {
    await this.#blobs.put(id, 'result', chunks);
    return null;
  }

  /** The scripts that end an image or drop its result have already freed it. */
  async remove(): Promise<boolean> {
    return false;
  }

  /** Redis itself lets them expire. */
  async expire(): Promise<void> {}
}
