// Bands of rows out of a bitmap that some codec could only decode whole, turned as a photo's EXIF orientation asks.
import type { Bitmap, Channels } from './pixels.ts';

/**
 * What a band aims for: enough rows that handing one over costs nothing, few enough to be still in the cache then, and
 * to be used up while the thread that inflates has something to do.
 */
export const bandBytes = 64 * 1024;

/**
 * Where a band of so many bytes goes. Decoders do not touch a band again once they are asked for the next one, so this
 * may also give the same memory again, or consecutive pieces of one buffer.
 */
export type AllocateBand = (length: number) => Buffer;

/** A buffer of its own for every band, which may be kept or transferred. */
export function allocateFresh(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length);
}

/** Orientations from here on exchange width and height (EXIF 2.32, tag 0x0112). */
export const firstSidewaysOrientation = 5;

/**
 * The rows of `rgba` from the top, after turning it by the EXIF `orientation` (1 to 8; 1 leaves it as it is), with
 * `channels` bytes a pixel, each band in a buffer of its own unless `allocate` says otherwise. With 3 channels, alpha
 * is left out.
 */
export function* bandsOf(
  rgba: Bitmap,
  channels: Channels,
  { orientation = 1, allocate = allocateFresh }: { orientation?: number; allocate?: AllocateBand } = {},
): Generator<Bitmap> {
  const isSideways = orientation >= firstSidewaysOrientation;
  const width = isSideways ? rgba.height : rgba.width;
  const height = isSideways ? rgba.width : rgba.height;
  const bandRows = Math.max(1, Math.floor(bandBytes / (width * channels)));
  for (let top = 0; top < height; top += bandRows) {
    const rows = Math.min(bandRows, height - top);
    const data = allocate(rows * width * channels);
    const { first, stepX, stepY } = turn(rgba, orientation);
    copyPixels(rgba.data, first + top * stepY, stepX, stepY, data, width, channels);
    yield { data, width, height: rows };
  }
}

/**
 * Where the turned image's pixels lie in the source, counted in pixels: its top left one, and the way from there to
 * the right and down.
 */
function turn(
  { width, height }: Bitmap,
  orientation: number,
): { first: number; stepX: number; stepY: number } {
  const right = width - 1;
  const bottom = width * (height - 1);
  switch (orientation) {
    case 2:
      return { first: right, stepX: -1, stepY: width };
    case 3:
      return { first: bottom + right, stepX: -1, stepY: -width };
    case 4:
      return { first: bottom, stepX: 1, stepY: -width };
    case 5:
      return { first: 0, stepX: width, stepY: 1 };
    case 6:
      return { first: bottom, stepX: -width, stepY: 1 };
    case 7:
      return { first: bottom + right, stepX: -width, stepY: -1 };
    case 8:
      return { first: right, stepX: width, stepY: -1 };
    default:
      return { first: 0, stepX: 1, stepY: width };
  }
}

function copyPixels(
  rgba: Uint8Array,
  first: number,
  stepX: number,
  stepY: number,
  out: Uint8Array,
  width: number,
  channels: Channels,
): void {
  // The `| 0` keep V8 in int32 arithmetic.
  const step = (stepX * 4) | 0;
  const rows = out.length / (width * channels);
  let to = 0;
  for (let y = 0; y < rows; y++) {
    let from = ((first + y * stepY) * 4) | 0;
    const end = (to + width * channels) | 0;
    for (; to < end; to = (to + channels) | 0, from = (from + step) | 0) {
      out[to] = rgba[from];
      out[(to + 1) | 0] = rgba[(from + 1) | 0];
      out[(to + 2) | 0] = rgba[(from + 2) | 0];
      if (channels === 4) out[(to + 3) | 0] = rgba[(from + 3) | 0];
    }
  }
}
