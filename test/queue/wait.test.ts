// Waiting for a tile: it costs the queue nothing, and ends with the first tile that arrives.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { A, POLICY, PREFIX, useRig } from './rig.ts';

const on = useRig();
const LONG_MS = 60_000;
let waiters: LeaseQueue[];

beforeEach(() => {
  waiters = [1, 2].map(() => new LeaseQueue(on.rig.redis, { keyPrefix: PREFIX, ...POLICY }));
});

afterEach(() => Promise.all(waiters.map((waiter) => waiter.close())));

/** Resolves when `count` connections are waiting. */
async function waitersToBe(count: number): Promise<void> {
  await vi.waitFor(async () =>
    expect(await on.rig.redis.info('clients')).toContain(`blocked_clients:${count}\r\n`),
  );
}

test('ends at once while tiles are ready, and does not change them', async () => {
  await on.rig.split(A, 3);
  const before = await on.rig.look();
  await waiters[0].wait(LONG_MS);
  await waiters[0].wait(LONG_MS);
  expect(await on.rig.look()).toEqual(before);
});

test('ends for all workers with the first tile that arrives', async () => {
  const ends = Promise.all(waiters.map((waiter) => waiter.wait(LONG_MS)));
  await waitersToBe(2);
  await on.rig.split(A, 1);
  await ends;
  expect((await on.rig.claim()).job).toEqual({ imageId: A, tile: 0 });
  expect(await on.rig.queue.claim()).toBeNull();
});

test('ends with a tile that is released', async () => {
  await on.rig.split(A, 1);
  const claim = await on.rig.claim();
  const end = waiters[0].wait(LONG_MS);
  await waitersToBe(1);
  await on.rig.queue.release(claim);
  await end;
  expect((await on.rig.claim()).attempt).toBe(1);
});

test('ends when its time is over', async () => {
  const start = performance.now();
  await waiters[0].wait(100);
  expect(performance.now() - start).toBeGreaterThanOrEqual(99);
});

test('ends in a fault when the queue is closed', async () => {
  const end = waiters[0].wait(LONG_MS).catch((error: unknown) => error);
  await waitersToBe(1);
  await waiters[0].close();
  expect(await end).toEqual(new Error('Connection is closed.'));
});
