// Stores many bytes under one key, as a hash of parts. A single string of a hundred megabytes would be moved
// each time it grows, which blocks Redis. A reader notices if another blob has replaced the one it reads.
import { randomBytes } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { allocatedBytes } from './allocated-bytes.ts';
import { BytesCommand, sendTogether } from './bytes-command.ts';
import { isOutOfMemory } from './faults.ts';

/**
 * With Redis's overhead, a string of this size takes exactly 128 KiB. Redis frees up to 64 parts at once, and
 * more in a separate thread. That takes 0.05 ms for parts of this size, and up to 17 ms for parts of 1 MiB.
 */
const PART_BYTES = (1 << 17) - 64;
/** Parts sent or fetched at a time. */
const BATCH = 8;
/** The overhead of a hash, and of each field in it, estimated generously. */
const ENTRY_BYTES = 256;

export interface Blob {
  readonly sizeBytes: number;
  /** Changes whenever the key is written again. */
  readonly version: string;
  /** Reads the bytes. Throws {@link BlobGone}. */
  read(): AsyncIterable<Uint8Array>;
}

/** The blob that is being read was removed or replaced. */
export class BlobGone extends Error {
  constructor(key: string) {
    super(`${key} was replaced or removed while it was read`);
    this.name = 'BlobGone';
  }
}

/** Returns the most memory that Redis takes for a blob of `sizeBytes`. */
export function blobMemoryBytes(sizeBytes: number): number {
  const wholeParts = Math.floor(sizeBytes / PART_BYTES);
  const parts = wholeParts * allocatedBytes(PART_BYTES) + allocatedBytes(sizeBytes % PART_BYTES);
  return parts + (wholeParts + 3) * ENTRY_BYTES;
}

/** Writes fields and values of a blob although Redis is at its memory limit. */
export type WriteAtLimit = (...fields: (string | Buffer)[]) => Promise<unknown>;

/**
 * Writes `chunks` to `key`, which must not exist, part by part. The key expires after `ttlS` seconds, even if
 * the writer dies. {@link openBlob} finds it only when it is complete. If `chunks` throws, rethrows that and
 * leaves nothing. So does a Redis at its memory limit, unless there is `writeAtLimit`.
 */
export async function writeBlob(
  redis: Redis,
  key: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ttlS: number,
  writeAtLimit?: WriteAtLimit,
): Promise<void> {
  let sizeBytes = 0;
  let parts = 0;
  try {
    for await (const batch of inBatches(inParts(chunks))) {
      const fields = batch.map((part): [string, Buffer] => [String(parts++), part]);
      try {
        const commands = fields.map(([field, part]) => new BytesCommand('hset', [key, field], part));
        await sendTogether(redis, [...commands, new Command('expire', [key, ttlS])]);
      } catch (error) {
        if (!writeAtLimit || !isOutOfMemory(error)) throw error;
        for (const field of fields) await writeAtLimit(...field);
      }
      sizeBytes += batch.reduce((sum, part) => sum + part.length, 0);
    }
    const version = randomBytes(8).toString('hex');
    const fields = { sizeBytes, memoryBytes: blobMemoryBytes(sizeBytes), version };
    await redis.hset(key, fields).catch(async (error: unknown) => {
      if (!writeAtLimit || !isOutOfMemory(error)) throw error;
      await writeAtLimit(...Object.entries(fields).flat().map(String));
    });
    await redis.expire(key, ttlS);
  } catch (error) {
    await redis.unlink(key).catch(() => {}); // It expires by itself; report the first fault.
    throw error;
  }
}

/** Returns the blob under `key`, or null if there is none. */
export async function openBlob(redis: Redis, key: string): Promise<Blob | null> {
  const [size, version] = await redis.hmget(key, 'sizeBytes', 'version');
  if (size === null || version === null) return null;
  const sizeBytes = Number(size);
  return { sizeBytes, version, read: () => readParts(redis, key, sizeBytes, version) };
}

async function* readParts(
  redis: Redis,
  key: string,
  sizeBytes: number,
  version: string,
): AsyncGenerator<Uint8Array> {
  const count = Math.ceil(sizeBytes / PART_BYTES);
  for (let first = 0; first < count; first += BATCH) {
    const parts = Array.from({ length: Math.min(BATCH, count - first) }, (_, at) => String(first + at));
    const [found, ...batch] = await redis.hmgetBuffer(key, 'version', ...parts);
    if (String(found) !== version) throw new BlobGone(key);
    for (const bytes of batch) {
      if (bytes === null) throw new BlobGone(key);
      yield bytes;
    }
  }
}

async function* inBatches(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let batch: Buffer[] = [];
  for await (const part of parts) {
    if (batch.push(part) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Yields `chunks` as parts of one size; the last one may be shorter. Each is a copy, because the chunks'
 * memory belongs to the caller.
 */
async function* inParts(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let part = Buffer.allocUnsafe(PART_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.subarray(at, at + PART_BYTES - filled);
      part.set(bytes, filled);
      at += bytes.length;
      filled += bytes.length;
      if (filled < PART_BYTES) continue;
      yield part;
      part = Buffer.allocUnsafe(PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
