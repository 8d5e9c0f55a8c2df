import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Channels } from '../pixels.ts';
import { predictionOf } from '../../../testing/drawn-png.ts';
import { filterRow } from './filter.ts';
import { viewOf } from './words.ts';

describe('filterRow', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 64, 101])(
    'writes the differences of the Average filter, %i pixels',
    (width) => {
      for (const channels of [3, 4] satisfies Channels[]) {
        const length = width * channels;
        const rows = [randomBytes(length), Buffer.alloc(length, 255), Buffer.alloc(length)];
        for (const row of rows) {
          for (const above of rows) {
            const out = Buffer.alloc(length + 9, 7);
            filterRow(viewOf(row), 0, viewOf(above), 0, viewOf(out), 3, length, channels);
            const wanted = Buffer.from(row.map((byte, i) => byte - predictionOf(3, row, above, i, channels)));
            expect(out[3]).toBe(3);
            expect(out.subarray(4, 4 + length)).toEqual(wanted);
            expect(out.subarray(4 + length)).toEqual(Buffer.alloc(5, 7));
          }
        }
      }
    },
  );
});
