// Writes an object while its bytes are being made: a small one with one request, a large one in parts. At most
// two parts are in memory: one is being sent while the next one is filled.
import type { ObjectFacts, S3Bucket } from './s3-bucket.ts';

/** Services require at least 5 MiB and allow 10,000 parts, all of the same size except the last. */
const PART_BYTES = 8 * 1024 * 1024;

/** Writes the object as a whole. `factsOf` gets its first bytes. If `chunks` throws or the service fails, no object is written. */
export async function upload(
  bucket: S3Bucket,
  key: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  factsOf: (head: Uint8Array) => ObjectFacts,
): Promise<void> {
  const parts = inParts(chunks);
  const first = await parts.next();
  const bytes = first.value ?? Buffer.alloc(0);
  const facts = factsOf(bytes);
  // Only the last part is shorter.
  if (bytes.length < PART_BYTES) await bucket.put(key, bytes, facts);
  else await uploadParts(bucket, key, bytes, parts, facts);
}

async function uploadParts(
  bucket: S3Bucket,
  key: string,
  first: Uint8Array,
  others: AsyncIterable<Uint8Array>,
  facts: ObjectFacts,
): Promise<void> {
  const begun = await bucket.begin(key, facts);
  let sending = begun.add(first);
  sending.catch(() => {}); // Thrown when it is awaited.
  try {
    for await (const part of others) {
      await sending;
      sending = begun.add(part);
      sending.catch(() => {});
    }
    await sending;
    await begun.complete();
  } catch (error) {
    await sending.catch(() => {}); // A part that arrives after the end would stay.
    await begun.abort().catch(() => {}); // Report the first fault.
    throw error;
  }
}

/** Yields the same bytes in parts of {@link PART_BYTES}, and a shorter last one. */
async function* inParts(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let part = Buffer.allocUnsafeSlow(PART_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(chunk.length - at, PART_BYTES - filled);
      part.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < PART_BYTES) continue;
      yield part;
      part = Buffer.allocUnsafeSlow(PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
