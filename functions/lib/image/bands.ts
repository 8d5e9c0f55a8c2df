// Bands of rows out of a bitmap that some codec could only decode whole, turned as a photo's EXIF orientation asks.
import { type Bitmap, type Channels, channelsOf } from './pixels.ts';

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

/** The size of a picture once it is turned by the EXIF `orientation`. */
export function uprightSize(
  { width, height }: { width: number; height: number },
  orientation: number,
): { width: number; height: number } {
  return orientation < firstSidewaysOrientation ? { width, height } : { width: height, height: width };
}

/**
 * The rows of `image`, RGB or RGBA, from the top, after turning it by the EXIF `orientation` (1 to 8; 1 leaves it as it
 * is), with `channels` bytes a pixel, each band in a buffer of its own unless `allocate` says otherwise. With 3 channels,
 * alpha is left out.
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

/** Where the turned image's pixels lie in the source, counted in pixels: its top left one, and the way right and down. */
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
  // The `| 0` keep V8 in int32 arithmetic.
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
