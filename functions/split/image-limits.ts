// Limits of an image besides its number of pixels. Each check throws a Problem `image-too-large` that names the limit.
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import { MAX_JPEG_SIDE_PX, type ResultFormat } from '../lib/image/format.ts';
import type { ImageHeader } from '../lib/image/read.ts';
import { tileCount, type TileGrid } from '../lib/image/tile-grid.ts';
import type { Admission } from '../lib/queue/image-room.ts';

/** Refuses an image with too many tiles, because each tile costs something in Redis and in a worker, however small it is. */
export function assertTiles(grid: TileGrid, maxTiles: number): void {
  const tiles = tileCount(grid);
  if (tiles <= maxTiles) return;
  throw tooLarge(`The image has ${tiles} tiles of ${grid.tileSizePx} px, more than ${maxTiles}.`);
}

/** Refuses an image that the format of its result has no room for. */
export function assertFormat({ width, height }: ImageHeader, format: ResultFormat): void {
  if (format.name === 'png' || Math.max(width, height) <= MAX_JPEG_SIDE_PX) return;
  throw tooLarge(
    `The image has ${width}x${height} pixels. A JPEG has at most ${MAX_JPEG_SIDE_PX} on each side; ask for a PNG.`,
  );
}

/** Refuses an image that needs more memory than one caller ever gets. */
export function assertShare(
  { bytes, client }: Required<Admission>,
  { clientShare, redisBudgetBytes }: Pick<Config, 'clientShare' | 'redisBudgetBytes'>,
): void {
  if (bytes <= client.budgetBytes) return;
  const share = `CLIENT_SHARE (${clientShare}) of REDIS_BUDGET_BYTES (${redisBudgetBytes})`;
  throw tooLarge(
    `With this filter the image needs ${bytes} bytes of Redis memory. One caller may have ${client.budgetBytes}: ${share}.`,
  );
}

function tooLarge(message: string): Problem {
  return new Problem('image-too-large', message);
}
