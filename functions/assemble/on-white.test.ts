import { expect, test } from 'vitest';
import { onWhite } from './on-white.ts';

test('a transparent pixel is white, an opaque one stays, and one between is mixed', () => {
  const data = Buffer.from([10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 51, 1, 2, 3, 128]);
  expect([...onWhite({ data, width: 4, height: 1 }).data]).toEqual([
    255, 255, 255, 10, 20, 30, 204, 224, 244, 128, 128, 129,
  ]);
});

test('rows without transparency are the same rows', () => {
  const band = { data: Buffer.from([1, 2, 3]), width: 1, height: 1 };
  expect(onWhite(band)).toBe(band);
});
