import { describe, expect, test } from 'vitest';
import { labelOf } from '../label.ts';
import { readJpegHeader } from './header.ts';
import { JPEG_HEAD_BYTES, labelOfJpeg, resultSegments } from './segments.ts';
import type { Appearance } from '../appearance.ts';

const id = '0123456789abcdef01234567';
/** The start of a frame of 3 components, 8 × 6 pixels, and of its scan. */
const FRAME = Buffer.from('ffc00011080006000803012200021101031101ffda', 'hex');

function fileWith(appearance: Appearance): Buffer {
  return Buffer.concat([Buffer.from([0xff, 0xd8]), resultSegments(id, appearance), FRAME]);
}

describe('the label', () => {
  const file = fileWith({});

  test('is in the first bytes of the file, whatever follows', () => {
    expect(JPEG_HEAD_BYTES).toBeLessThanOrEqual(128);
    expect(labelOfJpeg(file.subarray(0, JPEG_HEAD_BYTES))).toBe(id);
    expect(labelOf(fileWith({ iccProfile: Buffer.alloc(3_000_000, 1) }))).toBe(id);
  });

  test('counts only as a whole, at its place', () => {
    for (let at = 20; at < JPEG_HEAD_BYTES; at++) {
      const damaged = Buffer.from(file);
      damaged[at] ^= 0x80;
      expect(labelOf(damaged)).toBeNull();
    }
    expect(labelOf(file.subarray(0, JPEG_HEAD_BYTES - 1))).toBeNull();
    const moved = Buffer.concat([
      file.subarray(0, 20),
      Buffer.from('fffe0003 00'.replace(' ', ''), 'hex'),
      file.subarray(20),
    ]);
    expect(labelOf(moved)).toBeNull();
    expect(labelOf(Buffer.from('ffd8ff', 'hex'))).toBeNull();
  });
});

describe('the appearance', () => {
  test.each([1, 65_519, 65_520, 200_000, 4 * 1024 * 1024])('keeps a profile of %i bytes', (length) => {
    const iccProfile = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    expect(Buffer.from(readJpegHeader(fileWith({ iccProfile })).iccProfile ?? []).equals(iccProfile)).toBe(
      true,
    );
  });

  test.each([
    ['300 dpi', { x: 11_811, y: 11_811, unit: 'metre' }, { x: 11_811, y: 11_811, unit: 'metre' }],
    ['72 × 144 dpi', { x: 2835, y: 5669, unit: 'metre' }, { x: 2835, y: 5669, unit: 'metre' }],
    ['whole centimetres', { x: 5000, y: 5000, unit: 'metre' }, { x: 5000, y: 5000, unit: 'metre' }],
    ['2:3', { x: 2, y: 3, unit: 'aspect' }, { x: 2, y: 3, unit: 'aspect' }],
    [
      'a ratio of large numbers',
      { x: 200_000, y: 100_000, unit: 'aspect' },
      { x: 65_535, y: 32_768, unit: 'aspect' },
    ],
    ['more than fits', { x: 2 ** 31 - 1, y: 2 ** 31 - 1, unit: 'metre' }, undefined],
    ['less than a dot', { x: 1, y: 1, unit: 'metre' }, undefined],
    ['a line', { x: 2 ** 31 - 1, y: 1, unit: 'aspect' }, undefined],
  ] as const)('keeps a density of %s, as far as it can', (_what, density, wanted) => {
    expect(readJpegHeader(fileWith({ density })).density).toEqual(wanted);
  });

  test('has no density where the picture has none', () => {
    expect(readJpegHeader(fileWith({})).density).toBeUndefined();
  });
});
