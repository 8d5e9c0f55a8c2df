// Reads input images: the header of a body of bytes, and its rows as they are decoded. split uses this;
// assemble writes results with png/encode.ts.
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
  /** Pixels, after turning the picture by its EXIF orientation. */
  width: number;
  height: number;
  /** Bytes per pixel of the decoded rows: 3 only if nothing in the image can be transparent. */
  channels: Channels;
  /** How to turn the stored picture: 1, already upright, to 8. */
  orientation: number;
  /** How its result is to be shown; the density is that of the upright picture. */
  appearance: Appearance;
}

/** A limit that is not given does not apply. */
export interface SizeLimits {
  maxPixels?: number;
  /** Limit for the longer side, because whole rows of pixels and of tiles are held in memory. */
  maxSidePx?: number;
}

/**
 * Returns what the image says about itself, before any pixel is decoded. Throws `unsupported-image` if it is
 * neither PNG nor JPEG, `invalid-image` if it is cut off or inconsistent, and `image-too-large` if it exceeds
 * the limits.
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
  if (width * height > maxPixels) refuse(`at most ${maxPixels} are allowed`);
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

/** Decoded grey pixels become RGB, so a profile for grey does not fit them. */
function appearanceOfJpeg({ components, iccProfile, density }: JpegHeader): Appearance {
  const fitting = components === 3 && iccProfile ? rgbProfileOf(iccProfile) : undefined;
  return { ...(fitting && { iccProfile: fitting }), ...(density && { density }) };
}

/**
 * Yields the rows of the image whose header is `header`, from the top and upright, in bands of its full width
 * with `header.channels` bytes per pixel. Each band has its own buffer, which may be kept or transferred. A
 * few bands are decoded ahead of the loop, and leaving it stops the decoder. Throws `invalid-image`, possibly
 * after good bands, and `image-too-large` if `limits` are exceeded.
 */
export function decodeBands(
  bytes: Uint8Array,
  header: ImageHeader,
  limits: DecodeLimits,
): AsyncIterable<Bitmap> {
  return header.format === 'png' ? decodePng(bytes) : decodeJpeg(bytes, header, limits);
}
