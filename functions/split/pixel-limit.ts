// Keeps a few bytes from asking for a lot of work: a blank image of 50 million pixels can be sent in 6 kB.
import { Problem } from '../lib/errors.ts';
import type { ImageHeader } from '../lib/image/read.ts';

/** Pixels that an image may have whatever its size in bytes: a blank A4 page scanned at 300 dpi, in 1.2 kB, has 8.7 million. */
const FREE_PIXELS = 10_000_000;

/**
 * Throws Problem `image-too-large` for an image of more pixels than its `bytes` may stand for. docs/SECURITY.md tells what
 * honest images reach.
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
    `The image has ${pixels} pixels in ${bytes} bytes; ${FREE_PIXELS} are allowed, and ${pixelsPerByte} more for each byte.`,
  );
}
