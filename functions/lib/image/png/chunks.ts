// The container of a PNG file: a signature, then chunks of length, type, data and CRC.
import { crc32 } from 'node:zlib';
import { Problem } from '../../errors.ts';
import { viewOf } from './words.ts';

export const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Chunk types as the big-endian numbers of their four letters. */
export const chunkTypes = {
  IHDR: 0x49484452,
  PLTE: 0x504c5445,
  IDAT: 0x49444154,
  IEND: 0x49454e44,
  tRNS: 0x74524e53,
} as const;

/** Where one chunk's data lies in the file. */
export interface Chunk {
  type: number;
  start: number;
  end: number;
}

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= signature.length && signature.equals(bytes.subarray(0, signature.length));
}

/**
 * The chunks of a PNG file in order, up to and including IEND; what follows it is ignored, as decoders do. Their
 * CRCs are not looked at: see {@link checkCrc}. Throws `invalid-image` where the file ends inside a chunk or before
 * IEND.
 */
export function* readChunks(bytes: Uint8Array): Generator<Chunk> {
  const view = viewOf(bytes);
  let at = signature.length;
  while (at + 12 <= bytes.length) {
    const start = at + 8;
    const end = start + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    const type = view.getUint32(at + 4);
    yield { type, start, end };
    if (type === chunkTypes.IEND) return;
    at = end + 4;
  }
  throw new Problem('invalid-image', `The PNG is cut off after ${bytes.length} bytes`);
}

/** Throws `invalid-image` unless the chunk's CRC fits its type and data. */
export function checkCrc(bytes: Uint8Array, chunk: Chunk): void {
  const found = viewOf(bytes).getUint32(chunk.end);
  if (crc32(bytes.subarray(chunk.start - 4, chunk.end)) !== found) {
    throw new Problem('invalid-image', `The PNG's ${nameOf(chunk.type)} chunk at ${chunk.start} is damaged`);
  }
}

/** The type in letters, for messages; what is no letter is shown as "?". */
export function nameOf(type: number): string {
  const letters = Buffer.alloc(4);
  letters.writeUInt32BE(type);
  return letters.toString('latin1').replaceAll(/[^A-Za-z]/g, '?');
}

/** A chunk as it stands in a file, in pieces. */
export function frameChunk(type: number, data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.writeUInt32BE(type, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return [head, data, tail];
}
