import { describe, expect, test } from 'vitest';
import type { Bitmap } from '../../lib/image/pixels.ts';
import { alphaKinds, crop, drawImage, opaqueKinds, type ImageKind } from '../../testing/drawn-image.ts';
import { convolve } from './convolve.ts';
import { blurByDefinition } from '../../testing/gaussian-reference.ts';

/** Returns the largest difference between the samples of two images, and the share of samples that differ. */
function compare(a: Bitmap, b: Bitmap): { worst: number; differing: number } {
  const differences = a.data.map((sample, i) => Math.abs(sample - b.data[i]));
  return {
    worst: differences.reduce((most, difference) => Math.max(most, difference), 0),
    differing: differences.filter((difference) => difference > 0).length / a.data.length,
  };
}

/**
 * These images have few different windows, so if one average is a half, or close to it, whole rows of samples
 * differ.
 */
const periodicKinds = new Set<ImageKind>([
  'checkerboards',
  'hard alpha edge',
  'alpha 1 beyond an opaque edge',
  'ties',
  'ties of alpha 1',
]);

describe.each([1, 3, 5, 7, 15, 21, 51, 127, 255])('convolve, with a kernel of %d', (kernelSize) => {
  test.each([...opaqueKinds, ...alphaKinds])('is within one level of the definition: %s', (kind) => {
    const image = drawImage(kind, 83, 59);
    const { worst, differing } = compare(convolve(image, kernelSize), blurByDefinition(image, kernelSize));
    expect(worst).toBeLessThanOrEqual(1);
    expect(periodicKinds.has(kind) ? 0 : differing).toBeLessThanOrEqual(0.005);
  });

  test.each(opaqueKinds)('returns the same for RGB as for an alpha of 255: %s', (kind) => {
    const rgb = convolve(drawImage(kind, 83, 59, 3), kernelSize);
    const rgba = convolve(drawImage(kind, 83, 59, 4), kernelSize);
    expect(rgb.data).toEqual(rgba.data.filter((_, i) => i % 4 !== 3));
    expect(rgba.data.every((sample, i) => i % 4 !== 3 || sample === 255)).toBe(true);
  });

  test('leaves a flat image flat', () => {
    for (const level of [0, 1, 2, 100, 127, 128, 254, 255]) {
      const rgb = new Uint8Array(31 * 17 * 3).fill(level);
      expect(convolve({ data: rgb, width: 31, height: 17 }, kernelSize).data).toEqual(rgb);
      for (const alpha of [1, 2, 128, 254, 255]) {
        const rgba = Uint8Array.from({ length: 31 * 17 * 4 }, (_, i) => (i % 4 === 3 ? alpha : level));
        expect(convolve({ data: rgba, width: 31, height: 17 }, kernelSize).data).toEqual(rgba);
      }
    }
  });

  test('makes a transparent pixel 0, 0, 0, 0 where its window has no alpha', () => {
    const image = drawImage('coloured but transparent', 40, 30);
    expect(convolve(image, kernelSize).data).toEqual(new Uint8Array(40 * 30 * 4));
  });

  test('does not let a transparent pixel bleed its colour', () => {
    const pixels = Array.from({ length: 40 * 9 }, (_, i) =>
      i % 40 < 20 ? [255, 0, 0, 0] : [0, 0, 255, 255],
    );
    const { data } = convolve({ data: Uint8Array.from(pixels.flat()), width: 40, height: 9 }, kernelSize);
    for (let i = 0; i < data.length; i += 4) {
      expect(data[i]).toBe(0);
      expect(data[i + 2]).toBe(data[i + 3] === 0 ? data[i + 2] : 255);
    }
    expect(data.subarray(20 * 4, 21 * 4)).not.toEqual(new Uint8Array(4));
  });
});

describe('convolve', () => {
  test.each<[ImageKind, number, number, number, 3 | 4]>([
    ['noise', 300, 270, 51, 3],
    ['noisy alpha', 270, 300, 51, 4],
    ['hard alpha edge', 521, 40, 15, 4],
    ['a few pixels of alpha 1', 40, 521, 127, 4],
    ['black or white', 300, 300, 255, 3],
  ])(
    'is within one level for an image of several blocks: %s, %d x %d',
    (kind, width, height, size, channels) => {
      const image = drawImage(kind, width, height, channels);
      const { worst, differing } = compare(convolve(image, size), blurByDefinition(image, size));
      expect(worst).toBeLessThanOrEqual(1);
      expect(differing).toBeLessThanOrEqual(0.005);
    },
  );

  test.each<[number, number]>([
    [1, 1],
    [1, 7],
    [13, 1],
    [2, 3],
    [17, 19],
  ])('blurs images of %d x %d with any kernel', (width, height) => {
    for (const kernelSize of [1, 3, 15, 255]) {
      for (const kind of ['noise', 'mixed alpha'] as const) {
        const image = drawImage(kind, width, height);
        const { worst } = compare(convolve(image, kernelSize), blurByDefinition(image, kernelSize));
        expect(worst).toBeLessThanOrEqual(1);
      }
    }
  });

  test('returns the core of the blurred whole', () => {
    const image = drawImage('soft alpha', 90, 70);
    const core = { x: 11, y: 60, width: 50, height: 10 };
    expect(convolve(image, 15, core)).toEqual(crop(convolve(image, 15), core));
  });

  test('does not change its source, wherever that begins in memory', () => {
    for (const channels of [3, 4] as const) {
      const { data, width, height } = drawImage('noise', 50, 40, channels);
      const expected = convolve({ data, width, height }, 15).data;
      for (const offset of [1, 2, 3]) {
        const memory = new Uint8Array(data.length + offset + 5);
        memory.set(data, offset);
        const before = memory.slice();
        const unaligned = memory.subarray(offset, offset + data.length);
        expect(convolve({ data: unaligned, width, height }, 15).data).toEqual(expected);
        expect(memory).toEqual(before);
      }
    }
  });

  test('returns a buffer that can be transferred', () => {
    const { data } = convolve(drawImage('noise', 20, 20), 3);
    expect(data).toBeInstanceOf(Uint8Array);
    expect(data.byteOffset).toBe(0);
    expect(data.buffer.byteLength).toBe(data.length);
    expect(convolve(drawImage('noise', 20, 20), 3).data.buffer).not.toBe(data.buffer);
  });

  test.each([-1, 0, 2, 14, 256, 257, 1.5, Number.NaN])('refuses a kernel of %d by name', (kernelSize) => {
    const blur = () => convolve(drawImage('noise', 4, 4), kernelSize);
    expect(blur).toThrow(RangeError);
    expect(blur).toThrow(String(kernelSize));
  });

  test('refuses a bitmap whose length fits neither RGB nor RGBA', () => {
    const bitmap = { data: new Uint8Array(50), width: 4, height: 4 };
    expect(() => convolve(bitmap, 3)).toThrow(RangeError);
    expect(() => convolve(bitmap, 3)).toThrow('not 50');
  });

  test.each([
    { x: -1, y: 0, width: 2, height: 2 },
    { x: 0, y: 3, width: 2, height: 2 },
    { x: 3, y: 0, width: 2, height: 2 },
    { x: 0, y: 0, width: 0, height: 2 },
    { x: 0.5, y: 0, width: 2, height: 2 },
    { x: 0, y: 0, width: Number.NaN, height: 2 },
  ])('refuses a core outside the source: $width x $height at $x, $y', (core) => {
    expect(() => convolve(drawImage('noise', 4, 4), 3, core)).toThrow(RangeError);
  });
});
