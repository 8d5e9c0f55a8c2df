import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImageWatch } from './image-watch.ts';
import type { ImageStatus } from './split-client.ts';

const image = { id: '1', name: 'a.png', width: 1, height: 1, tiles: 4, output: null, ms: null };
const at = (status: string, done = 0, error: string | null = null): ImageStatus => ({
  ...image,
  status,
  done,
  error,
});
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

describe('an image', () => {
  it.each(['done', 'failed', 'cancelled'])('is over when it is %s', (status) => {
    expect(new ImageWatch().judge(at(status), 5)).toBe('over');
  });

  it('has lost tiles when nothing is pending and nothing moves for five seconds', () => {
    const watch = new ImageWatch();
    expect(watch.judge(at('blurring', 1), 0)).toBe('in progress');
    later(4000);
    expect(watch.judge(at('blurring', 2), 0)).toBe('in progress');
    later(5000);
    expect(watch.judge(at('blurring', 2), 0)).toBe('in progress');
    later(1);
    expect(watch.judge(at('blurring', 2), 0)).toBe('lost');
  });

  it('is in progress as long as anything is pending', () => {
    const watch = new ImageWatch();
    for (let times = 0; times < 10; times++) {
      expect(watch.judge(at('blurring', 1), 1)).toBe('in progress');
      later(10_000);
    }
  });

  it('is given up when its result is refused for three seconds', () => {
    const watch = new ImageWatch();
    const refused = at('blurred', 4, 'The output folder cannot be written (ENOSPC).');
    expect(watch.judge(refused, 1)).toBe('in progress');
    later(3000);
    expect(watch.judge(refused, 1)).toBe('in progress');
    later(1);
    expect(watch.judge(refused, 1)).toBe('unwritten');
  });

  it('is not given up when its result is taken at last', () => {
    const watch = new ImageWatch();
    watch.judge(at('blurred', 4, 'full'), 1);
    later(2000);
    watch.judge(at('blurred', 4), 1);
    later(2000);
    expect(watch.judge(at('blurred', 4, 'full'), 1)).toBe('in progress');
  });
});
