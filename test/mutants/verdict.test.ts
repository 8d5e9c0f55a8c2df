import { describe, expect, test } from 'vitest';
import { judge, row, type Outcome } from './verdict.ts';

const mutant = { name: 'a fault', file: 'ack.lua', find: 'a', replace: 'b', why: 'tiles would be lost' };

function outcomes(caught: number, survived: number): Outcome[] {
  const each = (count: number, caughtBy: string | null) =>
    Array.from({ length: count }, () => ({ mutant, caughtBy }));
  return [...each(caught, 'a test'), ...each(survived, null)];
}

describe('judge', () => {
  test.each([
    { caught: 20, survived: 0, isGood: true, line: 'mutants=20 caught=20 survived=0 share=100.0%' },
    { caught: 19, survived: 1, isGood: true, line: 'mutants=20 caught=19 survived=1 share=95.0%' },
    { caught: 189, survived: 11, isGood: false, line: 'mutants=200 caught=189 survived=11 share=94.5%' },
    { caught: 1999, survived: 1, isGood: true, line: 'mutants=2000 caught=1999 survived=1 share=99.9%' },
    { caught: 0, survived: 0, isGood: false, line: 'mutants=0 caught=0 survived=0 share=0.0%' },
  ])('of $caught caught and $survived survivors is good: $isGood', ({ caught, survived, isGood, line }) => {
    expect(judge(outcomes(caught, survived))).toEqual({ line, isGood });
  });
});

test('a row shows what caught the fault, or what it would cause', () => {
  const [caught, survived] = outcomes(1, 1).map(row);
  expect(caught).toMatch(/^caught +ack\.lua +a fault +a test$/);
  expect(survived).toMatch(/^SURVIVED +ack\.lua +a fault +tiles would be lost$/);
});
