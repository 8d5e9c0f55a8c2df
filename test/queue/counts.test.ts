// The counts for watch.sh, status.sh, the scaler and the chaos demonstration.
import { describe, expect, test } from 'vitest';
import { countsOf, countsScript, pendingWork, readCounts } from '../../functions/lib/queue/counts.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { A, B, C, PREFIX, useRig } from './rig.ts';

const on = useRig();

describe('the counts', () => {
  test('show where the tiles are', async () => {
    await on.rig.split(A, 4);
    await on.rig.claim();
    await on.rig.queue.fail(await on.rig.claim(), 'broken');
    const counts = await readCounts(on.rig.redis, PREFIX);
    expect(counts).toMatchObject({ queue: 2, leases: 1, claims: 1, delayed: 1, outbox: 0, dead: 0 });
    expect(pendingWork(counts)).toBe(4);
  });

  test('show how many images are done, failed, cancelled and in progress, without expired ones', async () => {
    const { images } = queueKeys(PREFIX);
    const states = ['done', 'done', 'failed', 'cancelled', 'splitting', 'blurring', 'blurred'];
    for (const [at, state] of states.entries()) {
      await on.rig.redis.zadd(images, at, `${at}`);
      await on.rig.redis.hset(`${PREFIX}:${at}:meta`, 'state', state);
    }
    await on.rig.redis.zadd(images, 99, 'expired');
    expect(await readCounts(on.rig.redis, PREFIX, 1000)).toMatchObject({
      done: 2,
      failed: 1,
      cancelled: 1,
      inProgress: 3,
    });
  });

  test.each([
    ['the newest that were asked for', 2, 2],
    ['none unless asked', 0, 0],
    ['the newest 1000, however many are asked for', 1_000_000, 1000],
  ])('look at %s', async (_name, wanted, seen) => {
    const { images } = queueKeys(PREFIX);
    const filling = on.rig.redis.pipeline();
    for (let at = 0; at < 1200; at++) {
      filling.zadd(images, at, `${at}`).hset(`${PREFIX}:${at}:meta`, 'state', at < 200 ? 'failed' : 'done');
    }
    await filling.exec();
    expect(await readCounts(on.rig.redis, PREFIX, wanted)).toMatchObject({ done: seen, failed: 0 });
  });

  test('are read while writes are paused, and write nothing', async () => {
    await on.rig.split(B, 2);
    const before = await on.rig.look();
    const other = on.rig.redis.duplicate();
    await other.ping();
    await on.rig.redis.client('PAUSE', 2000, 'WRITE');
    let isWritten = false;
    const written = other.set('held', 'back').then(() => (isWritten = true));
    expect(await readCounts(on.rig.redis, PREFIX, 10)).toMatchObject({ queue: 2, inProgress: 1 });
    expect(isWritten).toBe(false);
    await on.rig.redis.client('UNPAUSE');
    await written;
    await other.del('held');
    other.disconnect();
    expect(await on.rig.look()).toEqual(before);
  });

  test('are not read from an error that redis-cli prints', () => {
    expect(() => countsOf(['NOAUTH Authentication required.'])).toThrow('NOAUTH');
    expect(countsScript).toMatch(/^#!lua flags=no-writes\n/);
  });

  test('need no image', async () => {
    expect(
      Object.values(await readCounts(on.rig.redis, `${PREFIX}-${C}`, 10)).every((count) => count === 0),
    ).toBe(true);
  });
});
