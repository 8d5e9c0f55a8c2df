// Step 2 of the pipeline: cuts rows of pixels into tiles with halos, as soon as the rows for a tile have
// arrived.
import {
  asBuffer,
  channelsOf,
  freeBytes,
  type Bitmap,
  type Channels,
  type Rect,
} from '../lib/image/pixels.ts';
import { columnsOf, rowsOf, sourceOf, type TileGrid } from '../lib/image/tile-grid.ts';

export interface SourceTile {
  tile: number;
  /** Its core and halo: RGB if all of it is opaque, otherwise RGBA. */
  source: Uint8Array;
}

/** Consecutive rows of the image, from row `y` on. */
interface Band extends Bitmap {
  y: number;
}

/**
 * Cuts the image whose rows come in `bands` into the tiles of `grid`, row by row, without those that
 * `isWanted` refuses. Holds only the rows that one row of tiles needs; frees the memory of used bands.
 */
export async function* cutTiles(
  bands: AsyncIterable<Bitmap>,
  grid: TileGrid,
  isWanted: (tile: number) => boolean,
): AsyncGenerator<SourceTile> {
  const columns = columnsOf(grid);
  const rows = rowsOf(grid);
  const held: Band[] = [];
  let row = 0;
  let nextY = 0;

  for await (const band of bands) {
    held.push({ ...band, y: nextY });
    nextY += band.height;
    for (; row < rows; row++) {
      const { y, height } = sourceOf(grid, row * columns);
      if (y + height > nextY) break;
      for (; held.length > 0 && held[0].y + held[0].height <= y; held.shift()) freeBytes(held[0].data);
      for (let tile = row * columns; tile < (row + 1) * columns; tile++) {
        if (isWanted(tile)) yield { tile, source: withoutAlpha(copyRect(held, sourceOf(grid, tile))) };
      }
    }
  }
}

/** Returns the pixels of `rect` from the bands that contain its rows. */
function copyRect(bands: Band[], rect: Rect): Bitmap {
  const channels = channelsOf(bands[0]);
  const lineBytes = rect.width * channels;
  const data = Buffer.allocUnsafe(lineBytes * rect.height);
  for (const band of bands) {
    const lines = asBuffer(band.data);
    const from = Math.max(rect.y, band.y);
    const to = Math.min(rect.y + rect.height, band.y + band.height);
    for (let y = from; y < to; y++) {
      const start = ((y - band.y) * band.width + rect.x) * channels;
      lines.copy(data, (y - rect.y) * lineBytes, start, start + lineBytes);
    }
  }
  return { data, width: rect.width, height: rect.height };
}

/** Returns the bytes of a tile, without alpha if all of it is opaque. That is a quarter less to send. */
function withoutAlpha(bitmap: Bitmap): Uint8Array {
  const channels: Channels = channelsOf(bitmap);
  const { data } = bitmap;
  if (channels === 3) return data;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return data;
  const rgb = Buffer.allocUnsafe((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  freeBytes(data);
  return rgb;
}
