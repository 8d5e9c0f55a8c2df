// The naive queue, and the promise that it does not keep: a killed worker loses its claimed tiles.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NaiveQueue } from '../../functions/lib/queue/naive-queue.ts';
import { until } from '../../functions/testing/until.ts';
import { A, pixels, planOf, PREFIX, sourceOf, useRig } from './rig.ts';

const on = useRig();
let queue: NaiveQueue;

beforeEach(() => {
  queue = new NaiveQueue(on.rig.redis, PREFIX);
});

afterEach(() => queue.close());

/** Claims a tile that must be there. */
async function claim() {
  const claimed = await queue.claim();
  if (!claimed) throw new Error('No tile is ready');
  return claimed;
}

describe('the naive queue', () => {
  test('returns tiles in the order they were queued, with everything a worker needs', async () => {
    await on.rig.split(A, 2);
    const { width, height, tileSizePx, recipe, trace } = planOf(2);
    expect(await claim()).toEqual({
      job: { imageId: A, tile: 0 },
      token: '',
      attempt: 1,
      source: sourceOf(A, 0),
      width,
      height,
      tileSizePx,
      recipe,
      trace,
    });
    expect((await claim()).job.tile).toBe(1);
    expect(await queue.claim()).toBeNull();
  });

  test('stores results; the last one puts the image in the outbox', async () => {
    await on.rig.split(A, 2);
    const [first, second] = [await claim(), await claim()];
    expect(await queue.ack(first, pixels('zero'))).toBe('acked');
    expect((await on.rig.look()).byImage[A]).toMatchObject({ out: { 0: 'zero' }, tiles: { 0: 'done' } });
    expect(Object.keys((await on.rig.look()).byImage[A].src)).toEqual(['1']);
    expect(await queue.ack(second, pixels('one'))).toBe('last');
    const record = await on.rig.images.record(A);
    expect(record).toMatchObject({ state: 'blurred', done: 2 });
    expect((await on.rig.look()).outbox).toEqual({ [A]: record?.blurredAt });
    expect(await on.rig.ledger.finish(A)).toBe('finished');
  });

  test('stores the first result of a tile and no other', async () => {
    await on.rig.split(A, 2);
    const tile = await claim();
    await queue.ack(tile, pixels('first'));
    expect(await queue.ack(tile, pixels('other'))).toBe('again');
    expect(await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0))).toBe('known');
    const { byImage, strays } = await on.rig.look();
    expect(byImage[A]).toMatchObject({ out: { 0: 'first' } });
    expect(strays).toEqual([]);
  });

  test('loses the tile of a worker that dies, and nobody notices', async () => {
    await on.rig.split(A, 1);
    await claim();
    on.rig.now += 1_000_000;
    expect(await queue.claim()).toBeNull();
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring', done: 0, reclaims: 0 });
  });

  test('has nothing to extend, to retry or to release', async () => {
    await on.rig.split(A, 1);
    await claim();
    const before = await on.rig.look();
    expect(await queue.extend()).toBe('extended');
    expect(await queue.fail()).toBe('dead');
    expect(await queue.release()).toBe('stale');
    expect(await on.rig.look()).toEqual(before);
  });

  test('skips entries that are not jobs, and those of an ended image', async () => {
    await on.rig.split(A, 1);
    await on.rig.ledger.cancel(A);
    expect(await queue.claim()).toBeNull();
    await on.rig.redis.lpush(`${PREFIX}:job:queue`, `${A}:0`, 'no job');
    await on.rig.expire(A);
    expect(await queue.claim()).toBeNull();
    expect(await queue.claim()).toBeNull();
    expect((await on.rig.look()).queue).toEqual([]);
  });

  test('keeps no result of an ended image', async () => {
    await on.rig.split(A, 2);
    const [first, second] = [await claim(), await claim()];
    await on.rig.ledger.cancel(A);
    expect(await queue.ack(first, pixels('late'))).toBe('cancelled');
    await on.rig.expire(A);
    expect(await queue.ack(second, pixels('late'))).toBe('cancelled');
    expect(await on.rig.redis.keys(`${PREFIX}:${A}:*`)).toEqual([]);
  });

  test('takes no tile after it was told to stop, even if claims were waiting', async () => {
    const waiting = [queue.claim(), queue.claim()];
    await until('a claim to wait', async () =>
      String(await on.rig.redis.client('LIST')).includes('cmd=brpop'),
    );
    await queue.stopClaiming();
    await on.rig.split(A, 2);
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(await queue.claim()).toBeNull();
    expect((await on.rig.look()).queue.length).toBe(2);
  });

  test('returns the tile that Redis had popped when it was told to stop', async () => {
    await on.rig.split(A, 2);
    const claims = [queue.claim(), queue.claim()];
    await queue.stopClaiming();
    const taken = (await Promise.all(claims)).filter((claim) => claim !== null).length;
    expect((await on.rig.look()).queue.length).toBe(2 - taken);
  });
});
