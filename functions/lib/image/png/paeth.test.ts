import { expect, test } from 'vitest';
import { paethOf } from '../../../testing/drawn-png.ts';
import { predict } from './paeth.ts';

test('predicts as the specification says, for all values of three bytes', () => {
  let wrong = 0;
  for (let left = 0; left < 256; left++) {
    for (let up = 0; up < 256; up++) {
      for (let upLeft = 0; upLeft < 256; upLeft++) {
        if (predict(left, up, upLeft) !== paethOf(left, up, upLeft)) wrong++;
      }
    }
  }
  expect(wrong).toBe(0);
});
