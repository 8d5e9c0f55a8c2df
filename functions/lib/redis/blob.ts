// Many bytes under one key: a hash of parts, since one string of a hundred megabytes would keep Redis busy with moving it
// each time it grows. A reader notices when another blob takes the key.
import { randomBytes } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { allocatedBytes } from './allocated-bytes.ts';
import { BytesCommand, sendTogether } from './bytes-command.ts';

/**
 * With what Redis adds to a string, just 128 KiB of its memory. Up to 64 parts Redis frees at once, more in a thread of
 * their own: of this size that takes 0.05 ms, of a MiB up to 17 ms.
 */
const PART_BYTES = (1 << 17) - 64;
/** Parts sent or fetched at a time. */
const BATCH = 8;
/** What a hash and each field of it take besides the bytes, generously. */
const ENTRY_BYTES = 256;

export interface Blob {
  readonly sizeBytes: number;
  /** Differs whenever the key was written anew. */
  readonly version: string;
  /** Reads the bytes. Throws {@link BlobGone}. */
  read(): AsyncIterable<Uint8Array>;
}

/** The blob that is being read is not there any more, or another has taken its key. */
export class BlobGone extends Error {
  constructor(key: string) {
    super(`${key} was replaced or removed while it was read`);
    this.name = 'BlobGone';
  }
}

/** The most memory that Redis takes for a blob of `sizeBytes`. */
export function blobMemoryBytes(sizeBytes: number): number {
  const wholeParts = Math.floor(sizeBytes / PART_BYTES);
  const parts = wholeParts * allocatedBytes(PART_BYTES) + allocatedBytes(sizeBytes % PART_BYTES);
  return parts + (wholeParts + 3) * ENTRY_BYTES;
}

/**
 * Writes `chunks` to `key`, where nothing may be, part by part. It expires after `ttlS` seconds, also when the writer dies on
 * the way; until it is whole, {@link openBlob} finds nothing. Throws what `chunks` throws and leaves nothing.
 */
export async function writeBlob(
  redis: Redis,
  key: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ttlS: number,
): Promise<void> {
  let sizeBytes = 0;
  let parts = 0;
  try {
    for await (const batch of inBatches(inParts(chunks))) {
      const commands = batch.map((part) => new BytesCommand('hset', [key, String(parts++)], part));
      await sendTogether(redis, [...commands, new Command('expire', [key, ttlS])]);
      sizeBytes += batch.reduce((sum, part) => sum + part.length, 0);
    }
    const version = randomBytes(8).toString('hex');
    const memoryBytes = blobMemoryBytes(sizeBytes);
    await redis.hset(key, { sizeBytes, memoryBytes, version });
    await redis.expire(key, ttlS);
  } catch (error) {
    await redis.unlink(key).catch(() => {}); // It expires by itself; the first fault is the one to tell.
    throw error;
  }
}

/** The blob under `key`, or null when there is none. */
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

async function* inBatches(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  for await (const part of parts) {
    if (batch.push(part) < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** `chunks` cut anew into parts of one size, the last one shorter. Each is a copy: the chunks' memory is their owner's. */
async function* inParts(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
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
