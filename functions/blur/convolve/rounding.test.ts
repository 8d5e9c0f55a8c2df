import { describe, expect, test } from 'vitest';
import { SUM_ERROR } from './rounding.ts';
import { doubtfulPixels, rgbaWindow, rgbWindow } from './scratch.ts';
import { drawImage } from '../../testing/drawn-image.ts';
import { fitCosines } from './kernel.ts';
import { preparePasses, slideRgbaColumn, slideRgbaRows, slideRgbColumn, slideRgbRows } from './slide.ts';

const size = 51;
const kernel = fitCosines(size);

/**
 * Returns a line of `size` bytes whose weighted sum is a whole level plus a half plus `offset`, to a tenth of
 * SUM_ERROR.
 */
function lineAtHalf(offset: number): Uint8Array {
  const line = drawImage('noise', size, 1, 3).data.filter((_, i) => i % 3 === 0);
  const places = [3, 17, 30, 42];
  for (const place of places) line[place] = 0;
  const [first, second, third, fourth] = places.map((place) => kernel.weights[place]);
  const fixed = line.reduce((sum, byte, i) => sum + byte * kernel.weights[i], 0) - 0.5 - offset;
  // Four bytes have 2^32 values. Sort the sums of two of them, and find the match for each value of the other
  // two.
  const sums = Float64Array.from({ length: 2 ** 16 }, (_, i) =>
    fractionOf(first * (i & 255) + second * (i >> 8)),
  );
  const ascending = sums.toSorted();
  for (let i = 0; i < 2 ** 16; i++) {
    const wanted = fractionOf(-fixed - third * (i & 255) - fourth * (i >> 8));
    const found = ascending[lowestAbove(ascending, wanted)];
    if (found === undefined || found - wanted > SUM_ERROR / 10) continue;
    const choice = sums.indexOf(found);
    [choice & 255, choice >> 8, i & 255, i >> 8].forEach((byte, at) => (line[places[at]] = byte));
    return line;
  }
  throw new Error('no line found');
}

function fractionOf(value: number): number {
  return value - Math.floor(value);
}

function lowestAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Fills a window with `size` equal lines of pixels, and slides to the one pixel in its middle. */
function doubtsOf(channels: 3 | 4, pixels: number[][]): number[] {
  const window = new Uint8Array(channels === 3 ? rgbWindow : rgbaWindow);
  for (let y = 0; y < size; y++) window.set(pixels.flat(), y * size * channels);
  preparePasses(kernel);
  if (channels === 3) {
    slideRgbRows(1, 1, size);
    return [...doubtfulPixels.subarray(0, slideRgbColumn(0, 1, size, 3))];
  }
  slideRgbaRows(1, 1, size);
  return [...doubtfulPixels.subarray(0, slideRgbaColumn(0, 1, size))];
}

type Paint = (byte: number) => number[];

const rgb: Paint[] = [(byte) => [byte, 0, 0], (byte) => [0, byte, 0], (byte) => [0, 0, byte]];
const rgba: Paint[] = [
  (byte) => [byte, 0, 0, 255],
  (byte) => [0, byte, 0, 255],
  (byte) => [0, 0, byte, 255],
  (byte) => [0, 0, 0, byte],
];
/** Divided by a small alpha, the error of a colour's sum grows: by 255, that of the two sums in parts of 255. */
const faint: Paint[] = [(byte) => [byte, 0, 0, 1], (byte) => [0, byte, 0, 1], (byte) => [0, 0, byte, 1]];

describe('a pixel is in doubt', () => {
  test.each([-0.8, 0, 0.8])('if a sum is %d times its error from the border between two bytes', (errors) => {
    const line = [...lineAtHalf(errors * SUM_ERROR)];
    for (const paint of rgb) expect(doubtsOf(3, line.map(paint))).toContain(0);
    for (const paint of rgba) expect(doubtsOf(4, line.map(paint))).toContain(0);
  });

  test.each([-0.8, 0, 0.8])('if a colour of alpha 1 is %d times its error from there', (errors) => {
    const line = [...lineAtHalf(errors * SUM_ERROR * 510)];
    for (const paint of faint) expect(doubtsOf(4, line.map(paint))).toContain(0);
  });
});

describe('a pixel is not in doubt', () => {
  test.each([-5, 5])('if it is %d times the largest error from the border', (errors) => {
    const line = [...lineAtHalf(errors * SUM_ERROR * 510)];
    for (const paint of rgb) expect(doubtsOf(3, line.map(paint))).not.toContain(0);
    for (const paint of [...rgba, ...faint]) expect(doubtsOf(4, line.map(paint))).not.toContain(0);
  });
});
