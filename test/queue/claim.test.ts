// Claims: what a claim returns, how long it lasts, and what happens to a lost one.
import { describe, expect, test } from 'vitest';
import { imageKeys } from '../../functions/lib/queue/keys.ts';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { A, B, pixels, planOf, POLICY, PREFIX, START_MS, useRig } from './rig.ts';

const on = useRig();

describe('claim', () => {
  test('returns tiles in the order they were queued, with everything a worker needs', async () => {
    await on.rig.split(A, 2);
    await on.rig.split(B, 1);
    const { width, height, tileSizePx, recipe, trace } = planOf(2);
    const grid = { width, height, tileSizePx, recipe, trace };
    expect(await on.rig.queue.claim('first')).toEqual({
      ...grid,
      job: { imageId: A, tile: 0 },
      token: 'first',
      attempt: 1,
      source: pixels(`source of ${A}:0`),
    });
    expect((await on.rig.claim()).job).toEqual({ imageId: A, tile: 1 });
    expect((await on.rig.claim()).job).toEqual({ imageId: B, tile: 0 });
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('returns the same tile for the same token sent again, with a full lease', async () => {
    await on.rig.split(A, 2);
    await on.rig.claim('sent twice');
    on.rig.now += 300;
    const again = await on.rig.claim('sent twice');
    expect(again).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 1 });
    expect((await on.rig.look()).leases).toEqual({ [`${A}:0`]: START_MS + 300 + POLICY.leaseMs });
    expect(await on.rig.images.record(A)).toMatchObject({ attempts: 1 });
  });

  test('returns the tile of a failed claim to the next claim', async () => {
    await on.rig.split(A, 2);
    const source = imageKeys(PREFIX, A).src(0);
    await on.rig.redis.rename(source, 'aside');
    await on.rig.redis.lpush(source, 'no pixels');
    await expect(on.rig.queue.claim()).rejects.toThrow('WRONGTYPE');
    await on.rig.redis.rename('aside', source);
    expect(await on.rig.claim()).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 1 });
    expect(await on.rig.claim()).toMatchObject({ job: { imageId: A, tile: 1 }, attempt: 1 });
  });

  test('makes a different token for each claim', async () => {
    await on.rig.split(A, 2);
    const [one, other] = [await on.rig.claim(), await on.rig.claim()];
    expect(one.token).toMatch(/^[\w-]{12}-\d+$/);
    expect(other.token).not.toBe(one.token);
  });

  test('returns an expired lease to the queue, not a millisecond too early', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim('lost');
    on.rig.now += POLICY.leaseMs - 1;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 0 });
    on.rig.now += 1;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 1, attempts: 1 });
    expect(Object.keys((await on.rig.look()).delayed)).toEqual([`${A}:0`]);
    on.rig.now += POLICY.retryBaseMs * 1.5;
    expect(await on.rig.claim('found')).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 2 });
    expect((await on.rig.look()).claims).toEqual({ found: `${A}:0` });
  });

  test('returns a retried tile ahead of those that still wait', async () => {
    await on.rig.split(A, 3);
    await on.rig.queue.fail(await on.rig.claim(), 'broke');
    on.rig.now += POLICY.retryBaseMs * 1.5;
    expect(await on.rig.claim()).toMatchObject({ job: { tile: 0 }, attempt: 2 });
  });

  test.each(['takes the tile over', 'cancels the image'])(
    'leaves no result behind of a worker that died before its ack ran, once somebody %s',
    async (what) => {
      await on.rig.split(A, 2);
      await on.rig.claim('lost');
      // The server had forgotten the script of the ack, so only the pixels before it arrived.
      const staged = imageKeys(PREFIX, A).staged('lost');
      await on.rig.redis.set(staged, 'pixels');
      if (what === 'cancels the image') {
        await on.rig.ledger.cancel(A);
        await on.rig.sweep();
      } else {
        on.rig.now += POLICY.leaseMs;
        await on.rig.queue.claim();
      }
      expect(await on.rig.redis.exists(staged)).toBe(0);
    },
  );

  test('makes a tile a dead letter when the lease of its last attempt expires', async () => {
    await on.rig.split(A, 2);
    for (let attempt = 1; attempt <= POLICY.maxAttempts; attempt++) {
      expect((await on.rig.claim()).attempt).toBe(attempt);
      on.rig.now += POLICY.leaseMs;
      const other = await on.rig.claim();
      expect(other.job.tile).toBe(1);
      await on.rig.queue.release(other);
      on.rig.now += 1000;
    }
    expect(await on.rig.images.deadTiles(A)).toEqual([{ tile: 0, reason: 'its lease expired' }]);
    expect(await on.rig.images.record(A)).toMatchObject({
      state: 'failed',
      error: 'tile 0: its lease expired',
    });
  });

  test('returns at most 32 expired leases, and as many due retries, at once', async () => {
    const budgetBytes = 1_000_000;
    await on.rig.ledger.begin(A, planOf(40), { bytes: 1, budgetBytes });
    for (let tile = 0; tile < 40; tile++) await on.rig.ledger.enqueue(A, tile, pixels('source'));
    for (let tile = 0; tile < 40; tile++) await on.rig.claim();
    on.rig.now += POLICY.leaseMs;
    expect(await on.rig.queue.claim()).toBeNull();
    const counts = async () => {
      const { leases, delayed, queue } = await on.rig.look();
      return [Object.keys(leases).length, Object.keys(delayed).length, queue.length];
    };
    expect(await counts()).toEqual([8, 32, 0]);
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await counts()).toEqual([0, 40, 0]);
    on.rig.now += POLICY.retryBaseMs * 1.5;
    await on.rig.claim();
    expect(await counts()).toEqual([1, 8, 31]);
  });

  test('skips entries of an ended image, two hundred at a time', async () => {
    const stale = Array<string>(200).fill(`${A}:0:9`);
    await on.rig.redis.lpush(`${PREFIX}:job:queue`, 'no entry', ...stale);
    await on.rig.split(B, 1);
    expect(await on.rig.queue.claim()).toBeNull();
    const { queue, stale: left } = await on.rig.look();
    expect({ queue, left }).toEqual({ queue: [`${B}:0`], left: [`${A}:0:9`] });
    expect((await on.rig.claim()).job.imageId).toBe(B);
  });

  test('returns no tile for an entry of an earlier life', async () => {
    await on.rig.split(A, 1);
    await on.rig.redis.rpush(`${PREFIX}:job:queue`, `${A}:0:0`);
    await on.rig.claim();
    const { queue, stale } = await on.rig.look();
    expect({ queue, stale }).toEqual({ queue: [], stale: [] });
    expect(await on.rig.images.record(A)).toMatchObject({ attempts: 1 });
  });

  test('returns no tile that is not ready, even if an entry names one', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim();
    await on.rig.redis.rpush(`${PREFIX}:job:queue`, `${A}:0:1`);
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('forgets leases and retries of unknown tiles', async () => {
    await on.rig.redis.zadd(`${PREFIX}:job:leases`, START_MS, `${A}:0`);
    await on.rig.redis.zadd(`${PREFIX}:job:delayed`, START_MS, `${A}:1`);
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.keys()).toEqual([]);
  });

  test('uses the clock of the server if it is given none', async () => {
    await on.rig.split(A, 1);
    const serverMs = async () => {
      const [seconds, micros] = await on.rig.redis.time();
      return seconds * 1000 + Math.floor(micros / 1000);
    };
    const before = await serverMs();
    await new LeaseQueue(on.rig.redis, { keyPrefix: PREFIX, ...POLICY }).claim();
    const claimedAt = (await on.rig.look()).leases[`${A}:0`] - POLICY.leaseMs;
    expect(claimedAt).toBeGreaterThanOrEqual(before);
    expect(claimedAt).toBeLessThanOrEqual(await serverMs());
  });
});

describe('extend', () => {
  test('gives its holder a full lease from now on', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    on.rig.now += 900;
    expect(await on.rig.queue.extend(claim)).toBe('extended');
    on.rig.now += 900;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('last');
  });

  test('never shortens a lease, even if the clock jumps back', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim('held');
    on.rig.now -= 500;
    expect(await on.rig.queue.extend(claim)).toBe('extended');
    await on.rig.claim('held');
    expect((await on.rig.look()).leases).toEqual({ [`${A}:0`]: START_MS + POLICY.leaseMs });
  });

  test('returns stale to a claim that lost the tile, and takes nothing from the one that has it', async () => {
    const old = await claimLostTo('new');
    const { leases } = await on.rig.look();
    on.rig.now += 500;
    expect(await on.rig.queue.extend(old)).toBe('stale');
    expect((await on.rig.look()).leases).toEqual(leases);
  });
});

/** Returns the claim of a tile whose lease has expired and which `token` has claimed since. */
async function claimLostTo(token: string) {
  await on.rig.split(A, 1);
  const old = await on.rig.claim('old');
  on.rig.now += POLICY.leaseMs;
  await on.rig.queue.claim();
  on.rig.now += 1000;
  await on.rig.claim(token);
  return old;
}
