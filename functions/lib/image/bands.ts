// Cuts a bitmap that a codec could only decode whole into bands of rows, and turns it by its EXIF
// orientation.
import { type Bitmap, type Channels, channelsOf } from './pixels.ts';

/**
 * The target size of a band. It is large enough that passing one on costs nothing, and small enough that a
 * band is still in the cache then. A band should also take long enough to process that the inflating thread
 * has something to do.
 */
export const bandBytes = 64 * 1024;

/**
 * Returns the buffer for a band of so many bytes. Decoders do not touch a band again after the next one is
 * requested, so this may return the same memory each time, or consecutive parts of one buffer.
 */
export type AllocateBand = (length: number) => Buffer;

/** Returns a new buffer for every band, so that a band may be kept or transferred. */
export function allocateFresh(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length);
}

/** From this orientation on, width and height are exchanged (EXIF 2.32, tag 0x0112). */
export const firstSidewaysOrientation = 5;

/** Returns the size of a picture after turning it by the EXIF `orientation`. */
export function uprightSize(
  { width, height }: { width: number; height: number },
  orientation: number,
): { width: number; height: number } {
  return orientation < firstSidewaysOrientation ? { width, height } : { width: height, height: width };
}

/**
 * Yields the rows of `image`, RGB or RGBA, from the top, after turning it by the EXIF `orientation` (1 to 8;
 * 1 leaves it unchanged). A band has `channels` bytes per pixel, and its own buffer unless `allocate` returns
 * another. With 3 channels, alpha is left out.
 */
export function* bandsOf(
  image: Bitmap,
  channels: Channels,
  { orientation = 1, allocate = allocateFresh }: { orientation?: number; allocate?: AllocateBand } = {},
): Generator<Bitmap> {
  const { width, height } = uprightSize(image, orientation);
  const { first, stepX, stepY } = turn(image, orientation);
  const bandRows = Math.max(1, Math.floor(bandBytes / (width * channels)));
  for (let top = 0; top < height; top += bandRows) {
    const rows = Math.min(bandRows, height - top);
    const data = allocate(rows * width * channels);
    copyPixels(image, { first: first + top * stepY, stepX, stepY }, { data, width, height: rows }, channels);
    yield { data, width, height: rows };
  }
}

/**
 * Where the turned image's pixels are in the source, counted in pixels: its top left pixel, and the steps to
 * the right and down.
 */
interface Walk {
  first: number;
  stepX: number;
  stepY: number;
}

function turn({ width, height }: Bitmap, orientation: number): Walk {
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

function copyPixels(image: Bitmap, { first, stepX, stepY }: Walk, band: Bitmap, channels: Channels): void {
  // `| 0` keeps V8 in int32 arithmetic.
  const stride = channelsOf(image);
  const step = (stepX * stride) | 0;
  const { data: from } = image;
  const { data: out, width, height } = band;
  let to = 0;
  for (let y = 0; y < height; y++) {
    let at = ((first + y * stepY) * stride) | 0;
    const end = (to + width * channels) | 0;
    for (; to < end; to = (to + channels) | 0, at = (at + step) | 0) {
      out[to] = from[at];
      out[(to + 1) | 0] = from[(at + 1) | 0];
      out[(to + 2) | 0] = from[(at + 2) | 0];
      if (channels === 4) out[(to + 3) | 0] = from[(at + 3) | 0];
    }
  }
}
