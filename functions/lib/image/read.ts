// Images on their way in: what a body of bytes claims to be, and its rows as they decode. What split reads images by;
// assemble's way out is png/encode.ts.
import { Problem } from '../errors.ts';
import { type Appearance, turned } from './appearance.ts';
import { uprightSize } from './bands.ts';
import { type DecodeLimits, decodeJpeg } from './jpeg/decode.ts';
import { rgbProfileOf } from './icc.ts';
import { isJpeg, type JpegHeader, readJpegHeader } from './jpeg/header.ts';
import { describeOther } from './other-formats.ts';
import type { Bitmap, Channels } from './pixels.ts';
import { appearanceOfPng } from './png/appearance.ts';
import { isPng } from './png/chunks.ts';
import { decodePng } from './png/decode.ts';
import { channelsOfPng, orientationOfPng, readPngHeader } from './png/header.ts';

export interface ImageHeader {
  format: 'png' | 'jpeg';
  /** Pixels, after turning the picture as its EXIF orientation asks. */
  width: number;
  height: number;
  /** Bytes a pixel of the decoded rows: 3 only when nothing in the image can be transparent. */
  channels: Channels;
  /** How the stored picture has to be turned, from 1, upright, to 8. */
  orientation: number;
  /** What its result is to be shown with; the density is that of the upright picture. */
  appearance: Appearance;
}

/** What is not given is not limited. */
export interface SizeLimits {
  maxPixels?: number;
  /** Of the longer side: whole rows are held in memory, of pixels and of tiles. */
  maxSidePx?: number;
}

/**
 * What the image says of itself, before any pixel is decoded. Throws `unsupported-image` for what is neither PNG nor
 * JPEG, `invalid-image` for what is cut off or contradicts itself, `image-too-large` for what is beyond the limits.
 */
export function readHeader(
  bytes: Uint8Array,
  { maxPixels = Infinity, maxSidePx = Infinity }: SizeLimits = {},
): ImageHeader {
  const header = parseHeader(bytes);
  const { width, height } = header;
  const refuse = (limit: string): never => {
    throw new Problem('image-too-large', `The image has ${width}x${height} pixels; ${limit}.`);
  };
  if (width * height > maxPixels) refuse(`at most ${maxPixels} are taken`);
  if (Math.max(width, height) > maxSidePx) refuse(`no side may have more than ${maxSidePx}`);
  return header;
}

function parseHeader(bytes: Uint8Array): ImageHeader {
  if (isPng(bytes)) {
    const png = readPngHeader(bytes);
    const orientation = orientationOfPng(png);
    return {
      format: 'png',
      ...uprightSize(png, orientation),
      channels: channelsOfPng(png),
      orientation,
      appearance: turned(appearanceOfPng(png), orientation),
    };
  }
  if (isJpeg(bytes)) {
    const jpeg = readJpegHeader(bytes);
    const { width, height, orientation } = jpeg;
    return { format: 'jpeg', width, height, channels: 3, orientation, appearance: appearanceOfJpeg(jpeg) };
  }
  throw new Problem('unsupported-image', describeOther(bytes));
}

/** Its pixels become RGB: a profile of grey ones does not fit them. */
function appearanceOfJpeg({ components, iccProfile, density }: JpegHeader): Appearance {
  const fitting = components === 3 && iccProfile ? rgbProfileOf(iccProfile) : undefined;
  return { ...(fitting && { iccProfile: fitting }), ...(density && { density }) };
}

/**
 * The rows of the image `header` was read from, from the top and upright: bands of its full width and `header.channels`
 * bytes a pixel, each in a buffer of its own that may be kept or transferred. A few bands are decoded ahead of the loop,
 * and leaving it stops the decoder. Throws `invalid-image`, which may come after good bands, and `image-too-large` for
 * what exceeds `limits`.
 */
export function decodeBands(
  bytes: Uint8Array,
  header: ImageHeader,
  limits: DecodeLimits,
): AsyncIterable<Bitmap> {
  return header.format === 'png' ? decodePng(bytes) : decodeJpeg(bytes, header, limits);
}
