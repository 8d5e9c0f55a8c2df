import { describe, expect, it } from 'vitest';
import { nextPauseMs } from './pace.ts';

const calm = { isBusy: false, unchangedMs: 0, failures: 0 };

describe('the pause between two looks', () => {
  it('is short while tiles move, and longer the longer nothing changes', () => {
    const pauses = [0, 5000, 10_000, 60_000, 600_000].map((unchangedMs) =>
      nextPauseMs({ ...calm, isBusy: true, unchangedMs }),
    );
    expect(pauses).toEqual([300, 500, 1000, 2000, 2000]);
  });

  it('ends only for an image that does not change any more', () => {
    expect(nextPauseMs({ ...calm, isBusy: true, unchangedMs: 899_000 })).toBe(2000);
    expect(nextPauseMs({ ...calm, isBusy: true, unchangedMs: 900_000 })).toBeNull();
  });

  it('is longer when nothing is in progress, and in the end there is no next look', () => {
    const pauses = [0, 10_000, 119_000, 120_000].map((unchangedMs) => nextPauseMs({ ...calm, unchangedMs }));
    expect(pauses).toEqual([1000, 5000, 5000, null]);
  });

  it('grows with every look without an answer, up to a limit, and there is always a next one', () => {
    const pauses = [1, 2, 3, 4, 5, 50].map((failures) =>
      nextPauseMs({ ...calm, unchangedMs: 1_000_000, failures }),
    );
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  });
});
