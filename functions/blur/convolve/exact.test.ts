import { describe, expect, test } from 'vitest';
import { ExactBlur } from './exact.ts';
import { drawImage } from '../../testing/drawn-image.ts';
import { gaussianWeights } from './kernel.ts';
import { blurByDefinition } from '../../testing/gaussian-reference.ts';

describe('ExactBlur', () => {
  test.each([3, 15, 51])('equals the definition if it is given the true weights, for %d', (size) => {
    for (const kind of ['noise', 'noisy alpha', 'a few pixels of alpha 1'] as const) {
      const image = drawImage(kind, 40, 30);
      const expected = blurByDefinition(image, size).data;
      const exact = new ExactBlur(image, gaussianWeights(size));
      for (const [x, y] of [
        [0, 0],
        [39, 29],
        [20, 15],
        [20, 16],
        [21, 3],
        [20, 2],
      ]) {
        const at = (y * 40 + x) * 4;
        expect(exact.pixelAt(x, y)).toEqual(expected.slice(at, at + 4));
      }
    }
  });

  test('returns the same for RGB as for an alpha of 255', () => {
    const rgb = new ExactBlur(drawImage('noise', 20, 20, 3), gaussianWeights(7));
    const rgba = new ExactBlur(drawImage('noise', 20, 20, 4), gaussianWeights(7));
    expect(rgb.pixelAt(3, 9)).toEqual(rgba.pixelAt(3, 9).slice());
  });
});
