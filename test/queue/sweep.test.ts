// What an ended life leaves behind, and how it is freed: step by step, by any process, and invisible to all
// others.
import { afterEach, describe, expect, test } from 'vitest';
import { NaiveQueue } from '../../functions/lib/queue/naive-queue.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { brokenInvariants } from './invariants.ts';
import { A, B, BUDGET_BYTES, C, pixels, PREFIX, sourceOf, useRig } from './rig.ts';

const on = useRig();

/** Tiles of one image: done 0, leased 1, delayed 2, ready 3 and 4. */
async function spread(id: string) {
  await on.rig.split(id, 5);
  await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
  const held = await on.rig.claim('held');
  await on.rig.queue.fail(await on.rig.claim(), 'broke');
  return held;
}

describe('an image whose life has ended, before it is swept', () => {
  test('has no tile that can be found', async () => {
    const held = await spread(A);
    await on.rig.dying.cancel(A);
    expect(await on.rig.images.knownTiles(A)).toEqual(new Set());
    expect(await on.rig.queue.extend(held)).toBe('stale');
    expect(await on.rig.queue.fail(held, 'broke')).toBe('stale');
    expect(await on.rig.queue.release(held)).toBe('stale');
    expect(await on.rig.queue.ack(held, pixels('late'))).toBe('cancelled');
    expect(await on.rig.ledger.enqueue(A, 4, sourceOf(A, 4))).toBe('over');
    expect(brokenInvariants(await on.rig.look())).toEqual([]);
  });

  test('has no lease or pause that brings a tile back when it expires', async () => {
    await spread(A);
    await on.rig.dying.cancel(A);
    on.rig.now += 60_000;
    expect(await on.rig.queue.claim()).toBeNull();
    const { leases, delayed, dead, queue } = await on.rig.look();
    expect({ leases, delayed, dead, queue }).toEqual({ leases: {}, delayed: {}, dead: {}, queue: [] });
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 0 });
  });

  test('gives a claim that is sent again another tile, which it keeps', async () => {
    await spread(A);
    await on.rig.dying.cancel(A);
    await on.rig.split(B, 1);
    expect((await on.rig.claim('held')).job).toEqual({ imageId: B, tile: 0 });
    for (let tile = 0; tile < 5; tile++) await on.rig.sweepOneTile(A);
    expect((await on.rig.look()).claims).toEqual({ held: `${B}:0` });
  });

  test('holds its memory until its last tile is freed', async () => {
    await on.rig.begin(A, { tiles: 2, bytes: 700_000 });
    await on.rig.dying.cancel(A);
    await on.rig.sweepOneTile(A);
    expect((await on.rig.look()).admitted).toEqual({ [A]: '700000' });
    await on.rig.sweepOneTile(A);
    expect((await on.rig.look()).admitted).toEqual({ [A]: String(RECORD_BYTES) });
  });
});

describe('the rest of an ended life is freed', () => {
  let naive: NaiveQueue | null = null;
  afterEach(() => naive?.close());

  test('one tile at a time, whatever its state', async () => {
    await spread(A);
    await on.rig.dying.cancel(A);
    for (let tile = 4; tile >= 0; tile--) {
      const before = Object.keys((await on.rig.look()).byImage[A].endedTiles);
      expect(before).toHaveLength(5);
      await on.rig.sweepOneTile(A);
      expect(brokenInvariants(await on.rig.look())).toEqual([]);
    }
    expect((await on.rig.look()).byImage[A].expiring).toEqual(['meta']);
  });

  test('by the next claim that finds no tile', async () => {
    await spread(A);
    await on.rig.dying.forget(A);
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.keys()).toEqual([]);
  });

  test('by the next naive claim that finds no tile', async () => {
    naive = new NaiveQueue(on.rig.redis, PREFIX);
    await on.rig.split(A, 2);
    await on.rig.dying.forget(A);
    expect([await naive.claim(), await naive.claim(), await naive.claim()]).toEqual([null, null, null]);
    expect(await on.rig.keys()).toEqual([]);
  });

  test('before the same image is started again', async () => {
    await spread(A);
    await on.rig.dying.cancel(A);
    await on.rig.sweepOneTile(A);
    expect(await on.rig.begin(A, { tiles: 1 })).toBe('begun');
    const { byImage, leases, delayed, claims, queue } = await on.rig.look();
    expect({ leases, delayed, claims, queue }).toEqual({ leases: {}, delayed: {}, claims: {}, queue: [] });
    expect(byImage[A].staying).toEqual(['meta']);
  });

  test('before another image is refused because of missing memory', async () => {
    await on.rig.begin(A, { bytes: BUDGET_BYTES });
    await on.rig.dying.forget(A);
    expect(await on.rig.begin(B, { bytes: BUDGET_BYTES })).toBe('begun');
  });

  test('when a failed image starts again, or the next time if that stops half way', async () => {
    await on.rig.split(A, 3);
    await on.rig.killNextTile();
    const args = [A, on.rig.now, 100, BUDGET_BYTES, 1000, '', '', 0, 'tiles', 3];
    expect(await on.rig.scripts.run('begin', ...args)).toBe('sweep');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed' });
    await on.rig.sweepOneTile(A);
    expect(await on.rig.scripts.run('begin', ...args)).toBe('sweep');
    expect(await on.rig.begin(A, { tiles: 3 })).toBe('begun');
    expect((await on.rig.look()).byImage[A].staying).toEqual(['meta']);
  });

  test('four megabytes at a time at most', async () => {
    await on.rig.begin(A, { tiles: 5 });
    const large = Buffer.alloc(3 * 1024 * 1024);
    for (let tile = 0; tile < 5; tile++) await on.rig.ledger.enqueue(A, tile, large);
    await on.rig.dying.cancel(A);
    for (const left of [3, 1, 0]) {
      await on.rig.scripts.run('sweep', A, on.rig.now);
      expect(await on.rig.redis.keys(`${PREFIX}:${A}:src:*`)).toHaveLength(left);
    }
  });
});

describe('the list', () => {
  const jobs = (id: string, ...tiles: number[]) => tiles.map((tile) => `${id}:${tile}`);
  const order = async () => (await on.rig.look()).queue.toReversed();

  /** Live entries before and after those of A, which has ended. */
  async function withStaleEntries(): Promise<void> {
    await on.rig.split(B, 3);
    await on.rig.split(A, 5);
    await on.rig.split(C, 2);
    await on.rig.dying.cancel(A);
    for (let tile = 0; tile < 5; tile++) await on.rig.sweepOneTile(A);
  }

  test('loses the entries of an image that is cancelled, and keeps the others in their order', async () => {
    await on.rig.split(B, 3);
    await on.rig.split(A, 5);
    await on.rig.split(C, 2);
    await on.rig.ledger.cancel(A);
    expect(await order()).toEqual([...jobs(B, 0, 1, 2), ...jobs(C, 0, 1)]);
    expect(await on.rig.redis.llen(`${PREFIX}:job:queue`)).toBe(5);
  });

  test('keeps its order at every step of tidying, also when tiles are added, claimed and released', async () => {
    await withStaleEntries();
    for (let step = 0; step < 4; step++) await on.rig.sweepOneTile(A);
    expect((await on.rig.look()).isParted).toBe(true);
    await on.rig.begin(A, { tiles: 1, bytes: 1 }); // Continues it to the end.
    expect(await order()).toEqual([...jobs(B, 0, 1, 2), ...jobs(C, 0, 1)]);

    await on.rig.redis.hincrby(`${PREFIX}:totals`, 'stale', 9);
    await on.rig.sweepOneTile();
    await on.rig.sweepOneTile();
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    expect((await on.rig.look()).isParted).toBe(true);
    expect(await order()).toEqual([...jobs(B, 0, 1, 2), ...jobs(C, 0, 1), ...jobs(A, 0)]);
    const claim = await on.rig.claim();
    expect(claim.job).toEqual({ imageId: B, tile: 0 });
    await on.rig.sweepOneTile();
    await on.rig.queue.release(claim);
    expect(await order()).toEqual([...jobs(B, 0, 1, 2), ...jobs(C, 0, 1), ...jobs(A, 0)]);
  });

  test('is whole again when its older part has been claimed and nobody continued tidying', async () => {
    await withStaleEntries();
    for (let step = 0; step < 2; step++) await on.rig.sweepOneTile();
    expect(await on.rig.redis.llen(`${PREFIX}:job:tidied`)).toBe(2);
    for (const job of [...jobs(B, 0, 1, 2), ...jobs(C, 0, 1)]) {
      const { imageId, tile } = (await on.rig.claim()).job;
      expect(`${imageId}:${tile}`).toBe(job);
    }
    expect((await on.rig.look()).isParted).toBe(false);
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('is left alone while fewer than one entry in eight is stale', async () => {
    await on.rig.split(B, 30);
    await on.rig.split(A, 3);
    await on.rig.ledger.cancel(A);
    expect((await on.rig.look()).stale).toHaveLength(3);
    await on.rig.split(A, 2);
    await on.rig.ledger.cancel(A);
    expect((await on.rig.look()).stale).toEqual([]);
  });

  test('does not grow when the same image is sent and cancelled again and again', async () => {
    await on.rig.split(B, 2);
    for (let round = 0; round < 20; round++) {
      await on.rig.split(A, 20);
      await on.rig.ledger.cancel(A);
      expect(await on.rig.redis.llen(`${PREFIX}:job:queue`)).toBe(2);
    }
    expect((await on.rig.claim()).job).toEqual({ imageId: B, tile: 0 });
  });
});
