import { describe, expect, test } from 'vitest';
import { isKernelSize } from './kernel-size.ts';

describe('isKernelSize', () => {
  test.each([1, 3, 15, 253, 255])('accepts %d', (size) => {
    expect(isKernelSize(size)).toBe(true);
  });

  test.each([-3, -1, 0, 2, 14, 1.5, 254, 256, 257, Number.NaN, Infinity])('refuses %d', (size) => {
    expect(isKernelSize(size)).toBe(false);
  });
});
