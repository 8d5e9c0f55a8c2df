import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { untilNothingMoves } from './movement.ts';

const LIMIT_MS = 10_000;
const EVERY_MS = 500;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Watches what `look` returns for the nth time, and returns how often it was asked. Time passes in the pauses only. */
async function looks(look: (nth: number) => string, signal = new AbortController().signal): Promise<number> {
  let asked = 0;
  const pause = async (ms: number) => void vi.advanceTimersByTime(ms);
  await untilNothingMoves(async () => look(++asked), LIMIT_MS, signal, pause);
  return asked;
}

describe('untilNothingMoves', () => {
  it('ends once the same was seen for the whole time', async () => {
    expect(await looks(() => 'same')).toBe(LIMIT_MS / EVERY_MS + 1);
  });

  it('begins anew with every change', async () => {
    expect(await looks((nth) => (nth <= 15 ? 'before' : 'after'))).toBe(15 + LIMIT_MS / EVERY_MS + 1);
  });

  it('continues as long as something changes now and then, until it is stopped', async () => {
    const stop = new AbortController();
    const look = (nth: number) => {
      if (nth === 500) stop.abort();
      return String(Math.floor(nth / 19));
    };
    expect(await looks(look, stop.signal)).toBe(500);
  });
});
