import { expect, it } from 'vitest';
import { Places } from './places.ts';

it('gives out as many places as there are, and the next to whoever waits longest', async () => {
  const places = new Places(2);
  expect(await places.take()).toBe(true);
  expect(await places.take()).toBe(true);
  const order: string[] = [];
  const first = places.take().then(() => order.push('first'));
  const second = places.take(10_000).then(() => order.push('second'));
  expect(await places.take(0)).toBe(false);
  expect(order).toEqual([]);
  places.giveBack();
  await first;
  expect(order).toEqual(['first']);
  places.giveBack();
  await second;
  expect(order).toEqual(['first', 'second']);
});

it('gives no place to one that has given up', async () => {
  const places = new Places(1);
  await places.take();
  expect(await places.take(0)).toBe(false);
  places.giveBack();
  expect(await places.take(0)).toBe(true);
  expect(await places.take(0)).toBe(false);
});
