import { expect, it } from 'vitest';
import { SplitLimit } from './split-limit.ts';

const large = 50_000_000;
const small = 100_000;

/** Splits images that end only when the test says so. */
function rig(maxSplits: number, clientShare: number) {
  const limit = new SplitLimit({ maxSplits, clientShare });
  const begun: string[] = [];
  const begin = (client: string, pixels: number, name: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = limit.run(client, pixels, () => {
      begun.push(name);
      return promise;
    });
    return {
      end: async () => {
        resolve();
        await done;
      },
    };
  };
  return { limit, begun, begin };
}

it('splits as many images at once as allowed', async () => {
  const { begun, begin } = rig(2, 1);
  const first = begin('a', large, 'first');
  begin('a', large, 'second');
  begin('a', large, 'third');
  await Promise.resolve();
  expect(begun).toEqual(['first', 'second']);
  await first.end();
  expect(begun).toEqual(['first', 'second', 'third']);
});

it('lets a small image pass large ones of other callers', async () => {
  const { begun, begin } = rig(2, 0.75);
  begin('a', large, 'a');
  begin('b', large, 'b');
  begin('c', large, 'waits');
  begin('c', small, 'small');
  await Promise.resolve();
  expect(begun).toEqual(['a', 'b', 'small']);
});

it('keeps a place for other clients while one client has its share', async () => {
  const { begun, begin } = rig(2, 0.75);
  begin('greedy', large, 'first');
  begin('greedy', large, 'second');
  begin('other', large, 'other');
  await Promise.resolve();
  expect(begun).toEqual(['first', 'other']);
});

it('returns the place when splitting fails', async () => {
  const { limit, begun, begin } = rig(1, 1);
  const failing = limit.run('a', large, () => Promise.reject(new Error('damaged')));
  await expect(failing).rejects.toThrow('damaged');
  begin('a', large, 'next');
  await Promise.resolve();
  expect(begun).toEqual(['next']);
});
