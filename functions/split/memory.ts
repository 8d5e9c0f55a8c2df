// Computes how much of Redis's memory an image takes, before any of it is there.
import type { ImageHeader } from '../lib/image/read.ts';
import type { ResultFormat } from '../lib/image/format.ts';
import { RECORD_BYTES } from '../lib/queue/record-bytes.ts';
import { sourceOf, tileCount, type TileGrid } from '../lib/image/tile-grid.ts';
import { allocatedBytes } from '../lib/redis/allocated-bytes.ts';
import type { Stores } from '../lib/store/stores.ts';

/** Besides its pixels, each tile has a handful of small entries in Redis. */
const BYTES_PER_ENTRY = 512;

/** The part of the stores that knows how much memory they need. */
export type StoresMemory = Pick<Stores, 'uploads' | 'memoryBytes'>;

/** Returns the least memory that any image takes whose upload has `uploadBytes`. */
export function leastBytes(uploadBytes: number, stores: StoresMemory): number {
  return RECORD_BYTES + BYTES_PER_ENTRY + keptBytes(uploadBytes, stores);
}

/**
 * Returns what the image's tiles take in Redis when all of them wait, plus what `inFlight` of them take
 * additionally while they are being sent. A tile's result is never larger than its source.
 */
export function tilesBytes(grid: TileGrid, header: ImageHeader, inFlight: number): number {
  let atRest = 0;
  let largest = 0;
  for (let tile = 0; tile < tileCount(grid); tile++) {
    const { width, height } = sourceOf(grid, tile);
    const bytes = allocatedBytes(width * height * header.channels);
    atRest += bytes + BYTES_PER_ENTRY;
    largest = Math.max(largest, bytes);
  }
  return atRest + largest * Math.min(tileCount(grid), inFlight);
}

/** What the size of an image's files depends on. */
export interface FilesParts {
  header: ImageHeader;
  uploadBytes: number;
  ancillaryBytes: number;
  /** By default a PNG. */
  format?: ResultFormat;
}

/**
 * Returns what Redis keeps of the upload and of the result. A PNG takes at most the bytes of its pixels, and some framing. A JPEG takes
 * less, but noise at a high quality may take twice as much.
 */
export function filesBytes(parts: FilesParts, stores: StoresMemory): number {
  const { width, height, channels } = parts.header;
  const factor = parts.format?.name === 'jpeg' && parts.format.quality >= 90 ? 2 : 1;
  const pixelBytes = Math.ceil((width * channels + 1) * height * 1.001);
  const resultBytes = factor * pixelBytes + 4096 + parts.ancillaryBytes;
  return keptBytes(parts.uploadBytes, stores) + stores.memoryBytes(resultBytes);
}

function keptBytes(uploadBytes: number, { uploads, memoryBytes }: StoresMemory): number {
  return uploads === null ? 0 : memoryBytes(uploadBytes);
}
