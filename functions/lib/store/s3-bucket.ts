// One bucket, through the AWS client, which is only loaded with STORE=s3
// (docs/adr/0022-s3-client.md). Uses what every S3-compatible service has.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { Problem } from '../errors.ts';
import { connectS3, type S3Settings } from './s3-client.ts';
import { s3Problem } from './s3-faults.ts';

export interface S3Object {
  sizeBytes: number;
  /** Quoted, as the service returned it. */
  etag: string;
  writtenAt: number;
  /** What its writer stored about it (`x-amz-meta-…`), by names in lower case. */
  metadata: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
  /** Must be called unless the body is read. */
  close(): void;
}

export interface ListedObject {
  key: string;
  writtenAt: number;
}

/** What is stored with an object's bytes. */
export interface ObjectFacts {
  ContentType: string;
  ContentDisposition: string;
  Metadata: Record<string, string>;
}

/** One part of an upload that is in progress. */
interface UploadedPart {
  ETag: string | undefined;
  PartNumber: number;
}

/** How long a function waits for its bucket when it starts. */
const CHECK_MS = 10_000;
/** How long a reader waits for the reply, with all attempts. Those who send requests to split often wait 30 s. */
const READ_MS = 20_000;

/**
 * Every method throws Problem `storage-unavailable` when the service cannot be used, and `unreadable-file` for an
 * archived object.
 */
export class S3Bucket {
  readonly #client: S3Client;
  readonly #name: string;

  constructor(name: string, settings: S3Settings) {
    this.#client = connectS3(settings);
    this.#name = name;
  }

  /**
   * Opens the object, or only its first `headBytes`. Returns null if there is none, or if it is no longer
   * the one with `etag`.
   */
  async get(
    key: string,
    { headBytes, etag }: { headBytes?: number; etag?: string } = {},
  ): Promise<S3Object | null> {
    const range = headBytes === undefined ? {} : { Range: `bytes=0-${headBytes - 1}` };
    const condition = etag === undefined ? {} : { IfMatch: etag };
    const command = new GetObjectCommand({ ...this.#at(key), ...range, ...condition });
    try {
      return this.#opened(
        await repliedWithin(READ_MS, (abortSignal) => this.#client.send(command, { abortSignal })),
      );
    } catch (error) {
      const { name } = error as Error;
      if (['NoSuchKey', 'NotFound', 'PreconditionFailed', 'KeyTooLongError'].includes(name)) return null;
      // An empty object has no first byte.
      if (name === 'InvalidRange') return this.get(key, { etag });
      if (name === 'InvalidObjectState') throw archived(key, error);
      throw s3Problem(error, this.#name);
    }
  }

  async put(key: string, bytes: Uint8Array, facts: ObjectFacts): Promise<void> {
    await this.#do(() =>
      this.#client.send(new PutObjectCommand({ ...this.#at(key), ...facts, Body: bytes })),
    );
  }

  /** Removes the object if it is still the one with `etag`. Returns whether it was. */
  async delete(key: string, etag: string): Promise<boolean> {
    try {
      await this.#client.send(new DeleteObjectCommand({ ...this.#at(key), IfMatch: etag }));
      return true;
    } catch (error) {
      const { name } = error as Error;
      if (['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey'].includes(name)) return false;
      if (name !== 'NotImplemented') throw s3Problem(error, this.#name);
      await this.#do(() => this.#client.send(new DeleteObjectCommand(this.#at(key))));
      return true;
    }
  }

  /** Yields all objects whose keys begin with `prefix`, page by page. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#name,
        Prefix: prefix,
        ContinuationToken,
        // XML cannot contain some control characters.
        EncodingType: 'url',
      });
      const page = await this.#do(() =>
        repliedWithin(READ_MS, (abortSignal) => this.#client.send(command, { abortSignal })),
      );
      for (const { Key = '', LastModified } of page.Contents ?? []) {
        const key = page.EncodingType === 'url' ? decoded(Key) : Key;
        yield { key, writtenAt: LastModified?.getTime() ?? 0 };
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** Throws a Problem if the bucket cannot be used, after {@link CHECK_MS} at most. */
  async check(prefix: string): Promise<void> {
    const command = new ListObjectsV2Command({ Bucket: this.#name, Prefix: prefix, MaxKeys: 1 });
    await this.#do(() =>
      repliedWithin(CHECK_MS, (abortSignal) => this.#client.send(command, { abortSignal })),
    );
  }

  /** Begins an object that is sent in parts. Nobody sees it before it is completed. */
  async begin(key: string, facts: ObjectFacts): Promise<Upload> {
    const command = new CreateMultipartUploadCommand({ ...this.#at(key), ...facts });
    const { UploadId } = await this.#do(() => this.#client.send(command));
    const upload = { ...this.#at(key), UploadId };
    const parts: UploadedPart[] = [];
    return {
      add: async (bytes) => {
        const PartNumber = parts.length + 1;
        const command = new UploadPartCommand({ ...upload, PartNumber, Body: bytes });
        const { ETag } = await this.#do(() => this.#client.send(command));
        parts.push({ PartNumber, ETag });
      },
      complete: async () => {
        const command = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } });
        await this.#do(() => this.#client.send(command));
      },
      abort: async () => {
        await this.#do(() => this.#client.send(new AbortMultipartUploadCommand(upload)));
      },
    };
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#name, Key: key };
  }

  #opened({
    Body,
    ContentRange,
    ContentLength = 0,
    ETag = '',
    LastModified,
    Metadata = {},
  }: GetObjectCommandOutput): S3Object {
    const total = ContentRange?.split('/').at(-1);
    const stream = Body as Readable;
    return {
      sizeBytes: total === undefined ? ContentLength : Number(total),
      etag: ETag,
      writtenAt: LastModified?.getTime() ?? 0,
      metadata: Object.fromEntries(
        Object.entries(Metadata).map(([key, value]) => [key.toLowerCase(), value]),
      ),
      body: this.#read(stream),
      close: () => void stream.destroy(),
    };
  }

  /** Yields the bytes of a reply. A lost connection is a Problem too. */
  async *#read(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw s3Problem(error, this.#name);
    }
  }

  async #do<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw s3Problem(error, this.#name);
    }
  }
}

/** An object that is sent in parts, one after the other. */
export interface Upload {
  add(bytes: Uint8Array): Promise<void>;
  /** Puts the object in place. */
  complete(): Promise<void>;
  /** Throws the parts away. */
  abort(): Promise<void>;
}

/** Gives a request up if its reply has not begun after `ms`. Reading the rest of the reply may take longer. */
async function repliedWithin<T>(ms: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ms);
  try {
    return await send(giveUp.signal);
  } finally {
    clearTimeout(timer);
  }
}

function archived(key: string, cause: unknown): Problem {
  return new Problem('unreadable-file', `${JSON.stringify(key)} is archived; restore it first.`, { cause });
}

/** Returns the key. Bytes that are not UTF-8 become characters that no name may have. */
function decoded(key: string): string {
  return key
    .replaceAll('+', ' ')
    .replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
}
