// Prevents a lot of work for a few bytes: a blank image of 50 million pixels can be sent in 6 kB.
import { Problem } from '../lib/errors.ts';
import type { ImageHeader } from '../lib/image/read.ts';

/**
 * Pixels that any image may have, whatever its size in bytes. A blank A4 page scanned at 300 dpi has 8.7
 * million, in 1.2 kB.
 */
const FREE_PIXELS = 10_000_000;

/**
 * Throws Problem `image-too-large` for an image with too many pixels for its `bytes`. docs/SECURITY.md shows
 * what real images reach.
 */
export function assertPixelsPerByte(
  { width, height }: Pick<ImageHeader, 'width' | 'height'>,
  bytes: number,
  pixelsPerByte: number,
): void {
  const pixels = width * height;
  if (pixels <= FREE_PIXELS + bytes * pixelsPerByte) return;
  throw new Problem(
    'image-too-large',
    `The image has ${pixels} pixels in ${bytes} bytes; ${FREE_PIXELS} are allowed, plus ${pixelsPerByte} for each byte.`,
  );
}
