import { describe, expect, it } from 'vitest';
import { Problem } from '../lib/errors.ts';
import { environmentDefaults } from '../lib/config.ts';
import { assertPixelsPerByte } from './pixel-limit.ts';

const byDefault = Number(environmentDefaults.PIXELS_PER_BYTE);

const check = (width: number, height: number, bytes: number) => () =>
  assertPixelsPerByte({ width, height }, bytes, byDefault);

describe('the default', () => {
  // Sizes as libpng and mozjpeg write them.
  it.each([
    ['a blank page at 300 dpi, 1-bit PNG', 2480, 3508, 1173],
    ['a page with only a title at 600 dpi, 1-bit PNG', 4960, 7016, 12_834],
    ['a page of text at 600 dpi, 1-bit PNG', 4960, 7016, 366_222],
    ['a nearly empty screenshot of 8K, PNG with a palette', 7680, 4320, 59_588],
    ['one colour, PNG with a palette', 8660, 5773, 48_768],
    ['one colour, progressive JPEG', 8660, 5773, 147_163],
    ['a gradient, JPEG', 6000, 4000, 90_463],
  ])('takes %s', (_what, width, height, bytes) => {
    expect(check(width, height, bytes)).not.toThrow();
  });

  it.each([
    ['a blank 1-bit PNG of 50 Mpx', 50_000_000, 1, 6_200],
    ['a blank 1-bit PNG of 20 Mpx', 5000, 4000, 2_500],
    ['a header that claims 50 Mpx', 10_000, 5000, 100],
  ])('refuses %s', (_what, width, height, bytes) => {
    expect(check(width, height, bytes)).toThrow(Problem);
  });
});

it('counts each byte', () => {
  const limit = (bytes: number) => () => assertPixelsPerByte({ width: 10_000_100, height: 1 }, bytes, 10);
  expect(limit(10)).not.toThrow();
  expect(limit(9)).toThrow(/10000100 pixels in 9 bytes; 10000000 are allowed, plus 10 for each byte/);
});
