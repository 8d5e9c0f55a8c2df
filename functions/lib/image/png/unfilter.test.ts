import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../errors.ts';
import { predictionOf } from '../../../testing/drawn-png.ts';
import { unfilterRow } from './unfilter.ts';
import { viewOf } from './words.ts';

describe('unfilterRow', () => {
  const cases = [0, 1, 2, 3, 4].flatMap((filter) => [1, 2, 3, 4, 6, 8].map((bytes) => ({ filter, bytes })));

  test.each(cases)('undoes filter $filter with $bytes bytes per pixel', ({ filter, bytes: pixelBytes }) => {
    for (const pixels of [1, 2, 3, 50, 1000]) {
      const length = pixels * pixelBytes;
      const row = randomBytes(length);
      for (const above of [randomBytes(length), Buffer.alloc(length)]) {
        const differences = row.map((byte, i) => byte - predictionOf(filter, row, above, i, pixelBytes));
        const raw = Buffer.from([99, filter, ...differences, 99]);
        const out = Buffer.concat([Buffer.from([7, 7]), above, Buffer.alloc(length), Buffer.from([7])]);
        unfilterRow(viewOf(raw), 1, viewOf(out), 2, viewOf(out), 2 + length, length, pixelBytes);
        expect(out).toEqual(Buffer.concat([Buffer.from([7, 7]), above, row, Buffer.from([7])]));
      }
    }
  });

  test('decodes smooth rows, whose predictors tie often', () => {
    const length = 999;
    const row = Buffer.from(Array.from({ length }, (_, i) => 100 + ((i * i) % 3)));
    const above = Buffer.from(Array.from({ length }, (_, i) => 100 + (i % 4)));
    for (const pixelBytes of [1, 3]) {
      const differences = row.map((byte, i) => byte - predictionOf(4, row, above, i, pixelBytes));
      const out = Buffer.alloc(length);
      const raw = viewOf(Buffer.from([4, ...differences]));
      unfilterRow(raw, 0, viewOf(above), 0, viewOf(out), 0, length, pixelBytes);
      expect(out).toEqual(row);
    }
  });

  test('refuses a filter that does not exist', () => {
    const out = viewOf(Buffer.alloc(3));
    const raw = viewOf(Buffer.from([5, 1, 2, 3]));
    expect(() => unfilterRow(raw, 0, out, 0, out, 0, 3, 3)).toThrow(Problem);
  });
});
