// Step 5 of the pipeline: the blurred cores of a row of tiles become full rows of the image.
import { asBuffer, channelsOf, type Bitmap, type Channels } from '../lib/image/pixels.ts';
import { columnsOf, coreOf, type TileGrid } from '../lib/image/tile-grid.ts';

/**
 * Returns the rows of the image that row number `row` of the grid covers, joined from the cores of its tiles, left to
 * right. An RGB core in an RGBA image is opaque. Throws a RangeError if the length of a core does not fit its tile.
 */
export function stitchRow(grid: TileGrid, row: number, cores: Uint8Array[], channels: Channels): Bitmap {
  const columns = columnsOf(grid);
  const { height } = coreOf(grid, row * columns);
  const data = Buffer.allocUnsafe(grid.width * height * channels);
  const band: Bitmap = { data, width: grid.width, height };
  cores.forEach((bytes, column) => {
    const core = coreOf(grid, row * columns + column);
    paste({ data: bytes, width: core.width, height: core.height }, band, core.x, channels);
  });
  return band;
}

function paste(core: Bitmap, band: Bitmap, x: number, channels: Channels): void {
  const from = channelsOf(core);
  const lineBytes = core.width * from;
  const lines = asBuffer(core.data);
  for (let y = 0; y < core.height; y++) {
    const start = y * lineBytes;
    const at = (y * band.width + x) * channels;
    if (from === channels) lines.copy(band.data, at, start, start + lineBytes);
    else pasteOpaque(lines.subarray(start, start + lineBytes), band.data, at);
  }
}

/** Copies a line of RGB pixels as opaque RGBA. */
function pasteOpaque(rgb: Uint8Array, rgba: Uint8Array, at: number): void {
  for (let from = 0, to = at; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from];
    rgba[to + 1] = rgb[from + 1];
    rgba[to + 2] = rgb[from + 2];
    rgba[to + 3] = 255;
  }
}

/** Returns the bytes per pixel of the whole image, from the lengths of its cores: 4 if at least one core is RGBA. */
export function channelsOfImage(grid: TileGrid, coreBytes: number[]): Channels {
  const isOpaque = coreBytes.every((bytes, tile) => {
    const { width, height } = coreOf(grid, tile);
    return bytes === width * height * 3;
  });
  return isOpaque ? 3 : 4;
}
