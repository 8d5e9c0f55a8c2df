import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

/**
 * Returns the second in which a transfer counts as too slow, or null if it never does. `bytesAt` returns the
 * bytes transferred by then.
 */
function cutAt(bytesAt: (second: number) => number, seconds = 1000): number | null {
  const pace = new Pace({ minBytesPerS: 100, patienceMs: 10_000 });
  for (let second = 1; second <= seconds; second++) {
    if (pace.isTooSlow(bytesAt(second), 1000)) return second;
  }
  return null;
}

describe('Pace', () => {
  it('allows a transfer that keeps the average', () => {
    expect(cutAt((second) => 100 * second)).toBe(null);
  });

  it('refuses a transfer without any bytes after the patience', () => {
    expect(cutAt(() => 0)).toBe(10);
  });

  it('refuses a transfer byte by byte after the patience', () => {
    expect(cutAt((second) => second)).toBe(10);
  });

  it('refuses a transfer that was fast first and then byte by byte, however much was transferred', () => {
    expect(cutAt((second) => 1_000_000 + second)).toBe(20);
  });

  it('does not count bytes that were transferred before', () => {
    const pace = new Pace({ minBytesPerS: 100, patienceMs: 10_000 }, 5000);
    expect(pace.isTooSlow(5999, 10_000)).toBe(true);
  });

  it('refuses only a standstill if no average is required', () => {
    const pace = new Pace({ minBytesPerS: 0, patienceMs: 10_000 });
    expect(pace.isTooSlow(1, 10_000)).toBe(false);
    expect(pace.isTooSlow(1, 10_000)).toBe(true);
  });

  it('allows a slow start that is made up in the same period', () => {
    expect(cutAt((second) => (second < 10 ? second : 100 * second))).toBe(null);
  });

  it('refuses a transfer that was fast and then stopped, however much was transferred', () => {
    expect(cutAt((second) => 1_000_000 * Math.min(second, 20))).toBe(30);
    expect(cutAt((second) => 1_000_000 * Math.min(second, 15))).toBe(25);
  });

  it('allows pauses that are shorter than the patience', () => {
    expect(cutAt((second) => 2000 * Math.floor(second / 9))).toBe(null);
  });
});
