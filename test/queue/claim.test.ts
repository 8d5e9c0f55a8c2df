// Claims, promise by promise: what a claim gives, how long it lasts, what becomes of one that is lost.
import { describe, expect, test } from 'vitest';
import { imageKeys } from '../../functions/lib/queue/keys.ts';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { A, B, pixels, planOf, POLICY, PREFIX, START_MS, useRig } from './rig.ts';

const on = useRig();

describe('claim', () => {
  test('hands out tiles in the order they came in, with all a worker needs', async () => {
    await on.rig.split(A, 2);
    await on.rig.split(B, 1);
    const { name: _name, tiles: _tiles, output: _output, owner: _owner, ...grid } = planOf(2);
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

  test('gives the same tile to the same token sent again, with a whole lease', async () => {
    await on.rig.split(A, 2);
    await on.rig.claim('sent twice');
    on.rig.now += 300;
    const again = await on.rig.claim('sent twice');
    expect(again).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 1 });
    expect((await on.rig.look()).leases).toEqual({ [`${A}:0`]: START_MS + 300 + POLICY.leaseMs });
    expect(await on.rig.ledger.record(A)).toMatchObject({ attempts: 1 });
  });

  test('gives the tile of a claim that failed on its way to the next claim', async () => {
    await on.rig.split(A, 2);
    const source = imageKeys(PREFIX, A).src(0);
    await on.rig.redis.rename(source, 'aside');
    await on.rig.redis.lpush(source, 'no pixels');
    await expect(on.rig.queue.claim()).rejects.toThrow('WRONGTYPE');
    await on.rig.redis.rename('aside', source);
    expect(await on.rig.claim()).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 1 });
    expect(await on.rig.claim()).toMatchObject({ job: { imageId: A, tile: 1 }, attempt: 1 });
  });

  test('names claims by itself, each by another name', async () => {
    await on.rig.split(A, 2);
    const [one, other] = [await on.rig.claim(), await on.rig.claim()];
    expect(one.token).toMatch(/^[\w-]{12}-\d+$/);
    expect(other.token).not.toBe(one.token);
  });

  test('returns an expired lease to the queue, not a millisecond early', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim('lost');
    on.rig.now += POLICY.leaseMs - 1;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.ledger.record(A)).toMatchObject({ reclaims: 0 });
    on.rig.now += 1;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.ledger.record(A)).toMatchObject({ reclaims: 1, attempts: 1 });
    expect(Object.keys((await on.rig.look()).delayed)).toEqual([`${A}:0`]);
    on.rig.now += POLICY.retryBaseMs * 1.5;
    expect(await on.rig.claim('found')).toMatchObject({ job: { imageId: A, tile: 0 }, attempt: 2 });
    expect((await on.rig.look()).claims).toEqual({ found: `${A}:0` });
  });

  test('hands out a tile tried before ahead of those that still wait', async () => {
    await on.rig.split(A, 3);
    await on.rig.queue.fail(await on.rig.claim(), 'broke');
    on.rig.now += POLICY.retryBaseMs * 1.5;
    expect(await on.rig.claim()).toMatchObject({ job: { tile: 0 }, attempt: 2 });
  });

  test('gives a tile up when the lease of its last attempt expires', async () => {
    await on.rig.split(A, 2);
    for (let attempt = 1; attempt <= POLICY.maxAttempts; attempt++) {
      expect((await on.rig.claim()).attempt).toBe(attempt);
      on.rig.now += POLICY.leaseMs;
      const other = await on.rig.claim();
      expect(other.job.tile).toBe(1);
      await on.rig.queue.release(other);
      on.rig.now += 1000;
    }
    expect(await on.rig.ledger.deadTiles(A)).toEqual([{ tile: 0, reason: 'its lease expired' }]);
    expect(await on.rig.ledger.record(A)).toMatchObject({
      state: 'failed',
      error: 'tile 0: its lease expired',
    });
  });

  test('takes back at most 32 expired leases, and as many pauses, in one go', async () => {
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

  test('skips what an image that is over left on the queue, two hundred entries at a time', async () => {
    const stale = Array<string>(200).fill(`${A}:0:9`);
    await on.rig.redis.lpush(`${PREFIX}:job:queue`, 'no entry', ...stale);
    await on.rig.split(B, 1);
    expect(await on.rig.queue.claim()).toBeNull();
    const { queue, stale: left } = await on.rig.look();
    expect({ queue, left }).toEqual({ queue: [`${B}:0`], left: [`${A}:0:9`] });
    expect((await on.rig.claim()).job.imageId).toBe(B);
  });

  test('hands out no tile that an entry of an earlier life names', async () => {
    await on.rig.split(A, 1);
    await on.rig.redis.rpush(`${PREFIX}:job:queue`, `${A}:0:0`);
    await on.rig.claim();
    const { queue, stale } = await on.rig.look();
    expect({ queue, stale }).toEqual({ queue: [], stale: [] });
    expect(await on.rig.ledger.record(A)).toMatchObject({ attempts: 1 });
  });

  test('hands out no tile that is not ready, should an entry name one', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim();
    await on.rig.redis.rpush(`${PREFIX}:job:queue`, `${A}:0:1`);
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('forgets leases and pauses of tiles that nobody knows', async () => {
    await on.rig.redis.zadd(`${PREFIX}:job:leases`, START_MS, `${A}:0`);
    await on.rig.redis.zadd(`${PREFIX}:job:delayed`, START_MS, `${A}:1`);
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.keys()).toEqual([]);
  });

  test('goes by the clock of the server when it is given none', async () => {
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
  test('gives its holder a whole lease from now on', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    on.rig.now += 900;
    expect(await on.rig.queue.extend(claim)).toBe('extended');
    on.rig.now += 900;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('last');
  });

  test('never shortens a lease, should the clock jump back', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim('held');
    on.rig.now -= 500;
    expect(await on.rig.queue.extend(claim)).toBe('extended');
    await on.rig.claim('held');
    expect((await on.rig.look()).leases).toEqual({ [`${A}:0`]: START_MS + POLICY.leaseMs });
  });

  test('answers stale to one who lost the tile, and takes nothing from who has it now', async () => {
    const old = await claimLostTo('new');
    const { leases } = await on.rig.look();
    on.rig.now += 500;
    expect(await on.rig.queue.extend(old)).toBe('stale');
    expect((await on.rig.look()).leases).toEqual(leases);
  });
});

/** The claim of a tile whose lease expired, and which `token` claimed since. */
async function claimLostTo(token: string) {
  await on.rig.split(A, 1);
  const old = await on.rig.claim('old');
  on.rig.now += POLICY.leaseMs;
  await on.rig.queue.claim();
  on.rig.now += 1000;
  await on.rig.claim(token);
  return old;
}
