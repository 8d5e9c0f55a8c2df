import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { adler32 } from './adler32.ts';
import { viewOf } from './words.ts';

const trailerOf = (bytes: Buffer): number => deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4);

describe('adler32', () => {
  test.each([0, 1, 63, 64, 65, 127, 128, 5552, 65_521, 300_001])('agrees with zlib on %i bytes', (length) => {
    for (const bytes of [randomBytes(length), Buffer.alloc(length, 255), Buffer.alloc(length)]) {
      expect(adler32(1, viewOf(bytes))).toBe(trailerOf(bytes));
    }
  });

  test('continues over consecutive pieces, aligned or not', () => {
    const bytes = randomBytes(10_000);
    let sum = 1;
    for (const [from, to] of [
      [0, 1],
      [1, 130],
      [130, 7777],
      [7777, 10_000],
    ]) {
      sum = adler32(sum, viewOf(bytes.subarray(from, to)));
    }
    expect(sum).toBe(trailerOf(bytes));
  });
});
