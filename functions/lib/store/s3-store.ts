// Images in a bucket. Objects are only ever replaced as a whole, so every reader sees one version.
import { asciiContentDisposition } from '../content-disposition.ts';
import { Problem } from '../errors.ts';
import { isJpeg } from '../image/jpeg/header.ts';
import { isPng } from '../image/png/chunks.ts';
import { labelOf } from '../image/label.ts';
import { assertPath } from './names.ts';
import type { ObjectFacts, S3Bucket, S3Object } from './s3-bucket.ts';
import { isDenied } from './s3-faults.ts';
import { listImages, storedAs } from './s3-listing.ts';
import type { S3Place } from './s3-place.ts';
import { upload } from './s3-upload.ts';
import {
  HEAD_BYTES,
  wholeOf,
  type Listing,
  type Store,
  type StoredFile,
  type StoredObject,
  type WalkedFile,
} from './store.ts';

const CHANGED = 'The file was replaced or removed while it was opened.';

/** An object, and the key under which it was found. */
interface Found {
  key: string;
  object: S3Object;
}

export class S3Store implements Store {
  readonly #bucket: () => Promise<S3Bucket>;
  readonly #place: S3Place;
  readonly #leftOut: S3Place | null;

  /** `bucket` returns the bucket of `place`. Listings leave out everything in `leftOut`, a part of `place`. */
  constructor(bucket: () => Promise<S3Bucket>, place: S3Place, leftOut: S3Place | null = null) {
    this.#bucket = bucket;
    this.#place = place;
    this.#leftOut = leftOut;
  }

  async list(path: string): Promise<Listing> {
    // A file that is named explicitly is accepted whatever its name: its content decides.
    if (path !== '' && (await this.#look(path)) !== null) return { names: [path], skipped: [] };
    const stored: string[] = [];
    for (const folder of storedAs(path)) {
      for await (const { name } of this.#walk(folder === '' ? '' : `${folder}/`)) stored.push(name);
    }
    if (path !== '' && stored.length === 0) throw missing(path);
    return listImages(
      stored.filter((name) => !this.#isLeftOut(name)),
      (name) => this.#isResult(name),
    );
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const found = await this.#find(name);
    if (found === null) throw missing(name);
    return bytesOf(found.object, name, maxBytes);
  }

  async readObject(key: string, maxBytes: number): Promise<StoredObject> {
    const bucket = await this.#bucket();
    const object = await bucket.get(this.#place.prefix + key).catch(async (error: unknown) => {
      throw isDenied(error) && (await this.#isUsable()) ? deniedAlone(key, error) : error;
    });
    if (object === null) throw missing(key);
    const { metadata, etag } = object;
    return { bytes: await bytesOf(object, key, maxBytes), metadata, etag: etag.replaceAll('"', '') };
  }

  async open(name: string): Promise<StoredFile | null> {
    const looked = await this.#look(name);
    return looked && looked.file;
  }

  async write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    writer = '',
  ): Promise<void> {
    assertPath(name);
    const bucket = await this.#bucket();
    await upload(bucket, this.#place.prefix + name, chunks, (head) => factsOf(name, head, writer));
  }

  async remove(name: string, isMeant: (file: StoredFile) => boolean = () => true): Promise<boolean> {
    const looked = await this.#look(name);
    if (looked === null || !isMeant(looked.file)) return false;
    return (await this.#bucket()).delete(looked.key, looked.etag);
  }

  async *walk(): AsyncGenerator<WalkedFile> {
    yield* this.#walk('');
  }

  /** Returns whether the bucket accepts these credentials at all. */
  async #isUsable(): Promise<boolean> {
    const bucket = await this.#bucket();
    return bucket.check(this.#place.prefix).then(
      () => true,
      () => false,
    );
  }

  /** Yields what is stored under `prefix` of the place. */
  async *#walk(prefix: string): AsyncGenerator<Required<WalkedFile>> {
    const { prefix: root } = this.#place;
    const bucket = await this.#bucket();
    for await (const { key, writtenAt } of bucket.list(root + prefix)) {
      yield { name: key.slice(root.length), writtenAt };
    }
  }

  /** Opens the object called `name`, or only its first `headBytes`. Returns null if there is none. */
  async #find(name: string, headBytes?: number): Promise<Found | null> {
    assertPath(name);
    const bucket = await this.#bucket();
    for (const stored of storedAs(name)) {
      const key = this.#place.prefix + stored;
      const object = await bucket.get(key, { headBytes });
      if (object !== null) return { key, object };
    }
    return null;
  }

  /** Reads the beginning of the object called `name`. Returns null if there is none. */
  async #look(name: string): Promise<{ file: StoredFile; key: string; etag: string } | null> {
    const found = await this.#find(name, HEAD_BYTES);
    if (found === null) return null;
    const { key, object } = found;
    const { sizeBytes, writtenAt, etag } = object;
    const file = {
      sizeBytes,
      writtenAt,
      version: `${etag.replaceAll(/[^A-Za-z0-9]/g, '')}-${writtenAt.toString(36)}`,
      head: await firstBytes(object.body, HEAD_BYTES),
      read: () => wholeOf(this.#readVersion(key, etag), sizeBytes),
      close: async () => {},
    };
    return { file, key, etag };
  }

  async *#readVersion(key: string, etag: string): AsyncGenerator<Uint8Array> {
    const object = await (await this.#bucket()).get(key, { etag });
    if (object === null) throw new Problem('storage-unavailable', CHANGED, { retryAfterSeconds: 1 });
    yield* object.body;
  }

  async #isResult(name: string): Promise<boolean> {
    const looked = await this.#look(name);
    return looked !== null && labelOf(looked.file.head) !== null;
  }

  #isLeftOut(name: string): boolean {
    return this.#leftOut !== null && (this.#place.prefix + name).startsWith(this.#leftOut.prefix);
  }
}

/** Returns what is stored with the result of image `id`. */
function factsOf(name: string, head: Uint8Array, id: string): ObjectFacts {
  const type = isPng(head) ? 'image/png' : isJpeg(head) ? 'image/jpeg' : 'application/octet-stream';
  return {
    ContentType: type,
    ContentDisposition: asciiContentDisposition(name),
    Metadata: id === '' ? {} : { 'tessera-image': id },
  };
}

async function bytesOf(object: S3Object, name: string, maxBytes: number): Promise<Uint8Array> {
  const { sizeBytes, body } = object;
  if (sizeBytes > maxBytes) {
    object.close();
    throw new Problem(
      'body-too-large',
      `${JSON.stringify(name)} has ${sizeBytes} bytes, more than the ${maxBytes} allowed.`,
    );
  }
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for await (const chunk of wholeOf(body, sizeBytes)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function firstBytes(body: AsyncIterable<Uint8Array>, count: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= count) break;
  }
  return Buffer.concat(chunks).subarray(0, count);
}

/** The Problem for an object that is denied although its bucket is not: its own policy, or a key for its encryption. */
function deniedAlone(key: string, cause: unknown): Problem {
  return new Problem('unreadable-file', `Access to ${JSON.stringify(key)} is denied.`, { cause });
}

function missing(path: string): Problem {
  return new Problem('not-found', `There is no ${JSON.stringify(path)} here.`);
}
