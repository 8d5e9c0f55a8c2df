// The two passes over one block, first along its rows, then down its columns. Calls the loops of passes.ts with the
// positions where lines begin.
import type { CosineKernel } from './kernel.ts';
import {
  rgbaColumnsKernel,
  rgbaColumnsSlide,
  rgbaRowsKernel,
  rgbaRowsSlide,
  rgbColumnsKernel,
  rgbColumnsSlide,
  rgbRowsKernel,
  rgbRowsSlide,
} from './passes.ts';
import { premultiplyLine } from './premultiply.ts';
import { BIAS, LEVEL, SUM_ERROR } from './rounding.ts';
import { RGB_ROW, RGBA_ROW } from './scratch.ts';

/**
 * Prepares all passes for a kernel. Loops that multiply leave out the slow cosine's w(r + 1), so their kernel is
 * divided by it. The opaque rows multiply by it in advance; the columns with alpha do it when they divide.
 */
export function preparePasses(kernel: CosineKernel): void {
  const unit = kernel.slow.past;
  rgbRowsKernel.set(kernel, 1 / (unit * LEVEL), BIAS);
  rgbColumnsKernel.set(kernel, unit);
  rgbaRowsKernel.set(kernel, unit);
  rgbaColumnsKernel.set(kernel, unit);
  const scale = unit ** 2;
  // The least sum that is not 0 comes from one pixel of alpha 1 in the window's corner.
  const leastAlpha = kernel.weights[0] ** 2 / 2 / scale;
  rgbaColumnsKernel.constants.set([leastAlpha, scale * LEVEL, (SUM_ERROR * 510) / scale], 8);
}

/** Slides along the lines of the RGB window, each `width + size − 1` pixels, that `height` rows of results need. */
export function slideRgbRows(width: number, height: number, size: number): void {
  const lineBytes = (width + size - 1) * 3;
  for (let y = 0; y < height + size - 1; y++) rgbRowsSlide(y * lineBytes, y * RGB_ROW, width, (size - 1) / 2);
}

/**
 * Slides down the column of pixels `x` and writes its `height` bytes of each channel, pixels `pixelBytes` apart: 3, or
 * 4 to leave room for an alpha that is already there. Returns the number of pixels in `doubtfulPixels`; rows after
 * the last one may be among them.
 */
export function slideRgbColumn(x: number, height: number, size: number, pixelBytes: number): number {
  return rgbColumnsSlide(x * 3, x * pixelBytes, height, (size - 1) / 2);
}

/** Does for the RGBA window what {@link slideRgbRows} does for the RGB window. */
export function slideRgbaRows(width: number, height: number, size: number): void {
  const length = width + size - 1;
  for (let y = 0; y < height + size - 1; y++) {
    premultiplyLine(y * length, length);
    rgbaRowsSlide(0, y * RGBA_ROW, width, (size - 1) / 2);
  }
}

/** Does for the RGBA window what {@link slideRgbColumn} does for the RGB window. */
export function slideRgbaColumn(x: number, height: number, size: number): number {
  return rgbaColumnsSlide(x * 4, x * 4, height, (size - 1) / 2);
}
