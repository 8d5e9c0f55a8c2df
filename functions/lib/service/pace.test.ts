import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

/** The second in which a transfer is found too slow, or null when it never is; `bytesAt` says what has passed by then. */
function cutAt(bytesAt: (second: number) => number, seconds = 1000): number | null {
  const pace = new Pace({ minBytesPerS: 100, patienceMs: 10_000 });
  for (let second = 1; second <= seconds; second++) {
    if (pace.isTooSlow(bytesAt(second), 1000)) return second;
  }
  return null;
}

describe('Pace', () => {
  it('lets a transfer go on that keeps the average', () => {
    expect(cutAt((second) => 100 * second)).toBe(null);
  });

  it('ends one of which nothing comes when the patience is used up', () => {
    expect(cutAt(() => 0)).toBe(10);
  });

  it('ends one that comes byte by byte then, too', () => {
    expect(cutAt((second) => second)).toBe(10);
  });

  it('ends one that was fast at first and then comes byte by byte, however much has passed', () => {
    expect(cutAt((second) => 1_000_000 + second)).toBe(20);
  });

  it('does not count what passed before it began', () => {
    const pace = new Pace({ minBytesPerS: 100, patienceMs: 10_000 }, 5000);
    expect(pace.isTooSlow(5999, 10_000)).toBe(true);
  });

  it('ends only what stands still where no average is expected', () => {
    const pace = new Pace({ minBytesPerS: 0, patienceMs: 10_000 });
    expect(pace.isTooSlow(1, 10_000)).toBe(false);
    expect(pace.isTooSlow(1, 10_000)).toBe(true);
  });

  it('lets one begin slowly and catch up in the same period', () => {
    expect(cutAt((second) => (second < 10 ? second : 100 * second))).toBe(null);
  });

  it('ends one that was fast and then stopped, however much has passed', () => {
    expect(cutAt((second) => 1_000_000 * Math.min(second, 20))).toBe(30);
  });

  it('lets pauses be that are shorter than the patience', () => {
    expect(cutAt((second) => 2000 * Math.floor(second / 9))).toBe(null);
  });
});
