// The images of the model: how many tiles they have, and how much of Redis's memory they may hold.
import type { Cost } from '../bench/costs.ts';
import { environmentDefaults } from '../functions/lib/config.ts';
import type { ImageHeader } from '../functions/lib/image/read.ts';
import { columnsOf, rowsOf, tileCount, tileGrid } from '../functions/lib/image/tile-grid.ts';
import { blobMemoryBytes } from '../functions/lib/redis/blob.ts';
import { filesBytes, tilesBytes, type StoresMemory } from '../functions/split/memory.ts';
import type { Tokens } from './station.ts';

/** What split knows about an image before it cuts it. */
export interface ImageSize {
  megapixels: number;
  tiles: number;
  /** Rows of tiles. */
  rows: number;
  columns: number;
  /** Bytes that it may hold of Redis's memory. */
  bytes: number;
}

export interface Image extends ImageSize {
  arrivedAt: number;
  /** Tiles without a result. */
  left: number;
  /** When the last result was stored. */
  blurredAt: number;
  finished: Tokens;
}

/** What each store keeps of uploads and results in Redis. */
const stores: Record<'file' | 'redis', StoresMemory> = {
  file: { uploads: null, memoryBytes: () => 0 },
  redis: { uploads: { keep: async () => {} }, memoryBytes: blobMemoryBytes },
};

const KERNEL_RADIUS_PX = 7;
/** A PNG of a photo: see functions/testing/photo.ts. */
const UPLOAD_BYTES_PER_PIXEL = 1.7;
/** Tiles in transit to Redis and back, as split counts them. */
const TILES_ON_THE_WAY = 64;

/** Returns a picture of `megapixels`, 3 by 2, as split would accept it. */
export function sizeOf(megapixels: number, store: 'file' | 'redis'): ImageSize {
  const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
  const width = Math.round(1.5 * height);
  const header = { width, height, channels: 3 } as ImageHeader;
  const grid = tileGrid(width, height, Number(environmentDefaults.TILE_SIZE), KERNEL_RADIUS_PX);
  const files = { header, uploadBytes: width * height * UPLOAD_BYTES_PER_PIXEL, ancillaryBytes: 0 };
  return {
    megapixels,
    tiles: tileCount(grid),
    rows: rowsOf(grid),
    columns: columnsOf(grid),
    bytes: tilesBytes(grid, header, TILES_ON_THE_WAY) + filesBytes(files, stores[store]),
  };
}

/** The share of one row of tiles in the costs that depend on the size. */
export function rowMs(image: Image, { msPerMegapixel }: Cost): number {
  return (msPerMegapixel * image.megapixels) / image.rows;
}

/** The share of one tile in the costs that depend on the size. */
export function tileMs(image: Image, { msPerMegapixel }: Cost): number {
  return (msPerMegapixel * image.megapixels) / image.tiles;
}
