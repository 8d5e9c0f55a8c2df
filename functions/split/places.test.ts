import { expect, it } from 'vitest';
import { Places } from './places.ts';

it('gives all places away, and the next free one to the caller that has waited longest', async () => {
  const places = new Places(2, 1);
  expect(await places.take('a')).toBe(true);
  expect(await places.take('a')).toBe(true);
  const order: string[] = [];
  const first = places.take('a').then(() => order.push('first'));
  const second = places.take('b', 10_000).then(() => order.push('second'));
  expect(await places.take('c', 0)).toBe(false);
  expect(order).toEqual([]);
  places.giveBack('a');
  await first;
  expect(order).toEqual(['first']);
  places.giveBack('a');
  await second;
  expect(order).toEqual(['first', 'second']);
});

it('gives no place to a caller that has given up', async () => {
  const places = new Places(1, 1);
  await places.take('a');
  expect(await places.take('a', 0)).toBe(false);
  places.giveBack('a');
  expect(await places.take('a', 0)).toBe(true);
  expect(await places.take('a', 0)).toBe(false);
});

it('gives no place to a caller that has gone', async () => {
  const places = new Places(1, 1);
  await places.take('a');
  const caller = new AbortController();
  const waiting = places.take('a', Infinity, caller.signal);
  caller.abort();
  expect(await waiting).toBe(false);
  expect(await places.take('a', Infinity, caller.signal)).toBe(false);
  places.giveBack('a');
  expect(await places.take('a', 0)).toBe(true);
});

it('keeps the other places free if a client has its share', async () => {
  const places = new Places(4, 0.75);
  for (let i = 0; i < 3; i++) expect(await places.take('greedy', 0)).toBe(true);
  expect(await places.take('greedy', 0)).toBe(false);
  expect(await places.take('other', 0)).toBe(true);
  places.giveBack('greedy');
  expect(await places.take('greedy', 0)).toBe(true);
});

it('lets other clients pass a client that waits for its own share', async () => {
  const places = new Places(2, 0.5);
  await places.take('greedy');
  await places.take('other');
  let hasSecond = false;
  const second = places.take('greedy').then(() => (hasSecond = true));
  const third = places.take('third');
  places.giveBack('other');
  expect(await third).toBe(true);
  expect(hasSecond).toBe(false);
  places.giveBack('third');
  expect(await places.take('fourth', 0)).toBe(true);
  expect(hasSecond).toBe(false);
  places.giveBack('greedy');
  await second;
});

it.each([
  [1, 0.5],
  [2, 0.1],
  [8, 0.01],
])('allows a client one of %i places, however small its share', async (count, share) => {
  const places = new Places(count, share);
  expect(await places.take('a', 0)).toBe(true);
  expect(await places.take('a', 0)).toBe(false);
});
