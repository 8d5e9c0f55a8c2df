import { describe, expect, test } from 'vitest';
import { drawImage } from './drawn-image.ts';
import { blurByDefinition } from './gaussian-reference.ts';

/** Returns one pixel by the two-dimensional sum, written out. */
function pixelOf(
  data: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  size: number,
): number[] {
  const radius = (size - 1) / 2;
  const sums = [0, 0, 0, 0];
  let weights = 0;
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      const weight = Math.exp(-(dx * dx + dy * dy) / (2 * (size / 3) ** 2));
      const column = Math.min(Math.max(x + dx, 0), width - 1);
      const row = Math.min(Math.max(y + dy, 0), height - 1);
      const [red, green, blue, alpha] = data.subarray((row * width + column) * 4);
      sums[0] += weight * red * alpha;
      sums[1] += weight * green * alpha;
      sums[2] += weight * blue * alpha;
      sums[3] += weight * alpha;
      weights += weight;
    }
  }
  const colours = sums.slice(0, 3).map((sum) => (sums[3] === 0 ? 0 : sum / sums[3]));
  return [...colours, sums[3] / weights];
}

describe('blurByDefinition', () => {
  test.each([1, 3, 7, 15])('rounds the two-dimensional sum to nearest, for %d', (size) => {
    const width = 11;
    const height = 7;
    const { data } = drawImage('mixed alpha', width, height);
    const blurred = blurByDefinition({ data, width, height }, size).data;
    for (let i = 0; i < width * height; i++) {
      const expected = pixelOf(data, width, height, i % width, Math.floor(i / width), size);
      for (let c = 0; c < 4; c++) {
        expect(Math.abs(blurred[i * 4 + c] - expected[c])).toBeLessThanOrEqual(0.5 + 1e-9);
      }
    }
  });

  test('returns RGB for RGB, as for the same image with an alpha of 255', () => {
    const rgb = drawImage('noise', 9, 8, 3);
    const rgba = drawImage('noise', 9, 8, 4);
    const withoutAlpha = blurByDefinition(rgba, 5).data.filter((_, i) => i % 4 !== 3);
    expect(blurByDefinition(rgb, 5).data).toEqual(withoutAlpha);
  });
});
