import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { addBytes, averageBytes, subtractBytes, viewOf } from './words.ts';

describe.each([
  ['addBytes', addBytes, (a: number, b: number) => a + b],
  ['subtractBytes', subtractBytes, (a: number, b: number) => a - b],
  ['averageBytes', averageBytes, (a: number, b: number) => (a + b) >> 1],
])('%s', (_, onWords, onByte) => {
  test.each([0, 1, 2, 3])('computes every pair of bytes at %i, beside other bytes', (place) => {
    const [a, b] = [viewOf(randomBytes(4)), viewOf(randomBytes(4))];
    const wrong: number[] = [];
    for (let pair = 0; pair < 65_536; pair++) {
      a.setUint8(place, pair & 255);
      b.setUint8(place, pair >> 8);
      const result = onWords(a.getInt32(0, true), b.getInt32(0, true));
      const isRight = [0, 1, 2, 3].every(
        (i) => ((result >>> (8 * i)) & 255) === (onByte(a.getUint8(i), b.getUint8(i)) & 255),
      );
      if (!isRight) wrong.push(pair);
    }
    expect(wrong).toEqual([]);
  });
});
