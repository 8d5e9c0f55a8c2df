import { describe, expect, test } from 'vitest';
import { assertKernelSize, fitCosines, gaussianWeights } from './kernel.ts';

const sizes = Array.from({ length: 128 }, (_, i) => 2 * i + 1);
const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

describe('gaussianWeights', () => {
  test.each([1, 3, 15, 51, 255])('falls off as a Gaussian of sigma = size / 3, for %d', (size) => {
    const weights = gaussianWeights(size);
    const middle = (size - 1) / 2;
    expect(weights).toHaveLength(size);
    for (let m = 0; m <= middle; m++) {
      const expected = Math.exp(-0.5 * (m / (size / 3)) ** 2);
      expect(weights[middle + m] / weights[middle]).toBeCloseTo(expected, 14);
      expect(weights[middle - m]).toBe(weights[middle + m]);
    }
  });

  test('adds up to 1 for every size', () => {
    for (const size of sizes) expect(sum(gaussianWeights(size))).toBeCloseTo(1, 13);
  });
});

describe('fitCosines', () => {
  test('is within 0.03 % of every weight, and 0.015 grey levels of any sum, for every size from 3', () => {
    for (const size of sizes.slice(1)) {
      const { weights } = fitCosines(size);
      let difference = 0;
      gaussianWeights(size).forEach((weight, i) => {
        expect(Math.abs(weights[i] / weight - 1)).toBeLessThan(0.0003);
        difference += Math.abs(weights[i] - weight);
      });
      // Half of the weights' errors are positive, half negative. The worst case is white under one half and
      // black under the other.
      expect(255 * (difference / 2)).toBeLessThan(0.015);
      expect(sum(weights)).toBeCloseTo(1, 13);
    }
  });

  test.each([3, 5, 15, 51, 255])(
    'returns cosines that obey their recurrence beyond the edge, for %d',
    (size) => {
      const { slow, fast } = fitCosines(size);
      for (const { step, weights, slopes, edge, past } of [slow, fast]) {
        const outward = [...weights, past];
        expect(edge).toBe(weights.at(-1));
        for (let m = 0; m < weights.length; m++) {
          const inner = m === 0 ? outward[1] : outward[m - 1];
          expect(outward[m + 1]).toBeCloseTo(step * outward[m] - inner, 14);
          expect(outward[m + 1]).toBeCloseTo((step / 2) * weights[m] - slopes[m], 14);
        }
      }
    },
  );
});

describe('assertKernelSize', () => {
  test.each([-1, 0, 2, 1.5, 257, Number.NaN, Infinity])('throws a RangeError that names %d', (size) => {
    expect(() => assertKernelSize(size)).toThrow(RangeError);
    expect(() => assertKernelSize(size)).toThrow(`kernel size ${size} is`);
  });
});
