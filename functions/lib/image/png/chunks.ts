// The container of a PNG file: a signature, then chunks of length, type, data and CRC.
import { crc32 } from 'node:zlib';

export const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Chunk types as the big-endian numbers of their four letters. */
export const chunkTypes = {
  IHDR: 0x49484452,
  PLTE: 0x504c5445,
  IDAT: 0x49444154,
  IEND: 0x49454e44,
  tRNS: 0x74524e53,
  eXIf: 0x65584966,
  pHYs: 0x70485973,
  iCCP: 0x69434350,
  cICP: 0x63494350,
  sRGB: 0x73524742,
  gAMA: 0x67414d41,
  cHRM: 0x6348524d,
  mDCV: 0x6d444356,
  cLLI: 0x634c4c49,
} as const;

/**
 * The position of one chunk in the file: its length is at `at`, its data starts at `start`, and `end` is
 * after the data.
 */
export interface Chunk {
  type: number;
  at: number;
  start: number;
  end: number;
}

export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= signature.length && signature.equals(bytes.subarray(0, signature.length));
}

/**
 * Yields the chunks of a PNG file in order, starting at `at`. If the file ends inside a chunk, that chunk is
 * the last one. CRCs are not checked: see {@link isIntact}.
 */
export function* readChunks(bytes: Uint8Array, at: number = signature.length): Generator<Chunk> {
  while (at + 8 <= bytes.length) {
    const start = at + 8;
    const end = start + uint32At(bytes, at);
    yield { type: uint32At(bytes, at + 4), at, start, end };
    at = end + 4;
  }
}

/** Returns whether the file contains the whole chunk, including its CRC. */
export function isWhole(bytes: Uint8Array, chunk: Chunk): boolean {
  return chunk.end + 4 <= bytes.length;
}

/** Returns whether the CRC of a whole chunk matches its type and data. Takes a millisecond for 4 MB. */
export function isIntact(bytes: Uint8Array, chunk: Chunk): boolean {
  return crc32(bytes.subarray(chunk.start - 4, chunk.end)) === uint32At(bytes, chunk.end);
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Returns the type in letters, for messages. Bytes that are not letters become "?". */
export function nameOf(type: number): string {
  const letters = Buffer.alloc(4);
  letters.writeUInt32BE(type);
  return letters.toString('latin1').replaceAll(/[^A-Za-z]/g, '?');
}

/** Returns a complete chunk, in pieces. */
export function frameChunk(type: number, data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.writeUInt32BE(type, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return [head, data, tail];
}
