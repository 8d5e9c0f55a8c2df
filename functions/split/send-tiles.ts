// Cuts an image into tiles while it is decoded, and puts them on the queue.
import type { Config } from '../lib/config.ts';
import { about } from '../lib/error-subject.ts';
import { haloOf, parseRecipe } from '../lib/filters/recipe.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import { decodeBands, type ImageHeader } from '../lib/image/read.ts';
import { tileGrid, type TileGrid } from '../lib/image/tile-grid.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { cutTiles } from './cut.ts';
import { InFlight } from './in-flight.ts';
import type { SplitEnd } from './split-span.ts';

/** Tiles that were sent to Redis but are not confirmed. */
export const TILES_IN_FLIGHT = 32;
/** How many scans a JPEG of MAX_PIXELS may have; a smaller one may have more. Most encoders write ten, optimising ones fourteen. */
const SCANS_OF_LARGEST = 20;

export interface SendTilesParts {
  config: Pick<Config, 'decodeTimeoutMs' | 'decodeMemoryBytes' | 'maxPixels'>;
  ledger: Pick<ImageLedger, 'enqueue'>;
}

/** Returns how an image is cut for a recipe. */
export function gridOf({ width, height }: ImageHeader, tileSizePx: number, recipe: string): TileGrid {
  return tileGrid(width, height, tileSizePx, haloOf(parseRecipe(recipe)));
}

/** Puts the tiles of an image on the queue, without the `known` ones. When it returns or throws, no tile is in flight any more. */
export async function sendTiles(
  { id, tileSizePx, recipe }: ImageRecord,
  known: Set<number>,
  { bytes, header }: { bytes: Uint8Array; header: ImageHeader },
  { config, ledger }: SendTilesParts,
): Promise<SplitEnd> {
  // A resumed image is cut as it was started, whatever the tile size is now.
  const grid = gridOf(header, tileSizePx, recipe);
  const bands = decodeBands(bytes, header, {
    timeoutMs: config.decodeTimeoutMs,
    memoryBytes: config.decodeMemoryBytes,
    scanPixels: SCANS_OF_LARGEST * config.maxPixels,
  });
  const inFlight = new InFlight(TILES_IN_FLIGHT);
  let isOver = false;
  let isComplete = false;
  try {
    for await (const { tile, source } of cutTiles(bands, grid, (each) => !known.has(each))) {
      await inFlight.add(async () => {
        const answer = await about({ tile }, () => ledger.enqueue(id, tile, source));
        isOver ||= answer === 'over';
        isComplete ||= answer === 'last';
        freeBytes(source); // Redis has replied. After a fault its socket may still read these bytes.
      });
      if (isOver) break;
    }
    await inFlight.settle();
  } catch (error) {
    await inFlight.settle().catch(() => {});
    throw error;
  }
  if (isOver) return 'over';
  return isComplete ? 'complete' : 'elsewhere';
}
