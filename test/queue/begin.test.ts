// Starting an image and filling it: which images are admitted, which start again, and what is put on the
// queue.
import { describe, expect, test } from 'vitest';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { A, B, C, pixels, planOf, PREFIX, sourceOf, START_MS, useRig } from './rig.ts';

const on = useRig();

describe('begin', () => {
  test('starts an image with its record, its share of the memory and its place in the index', async () => {
    expect(await on.rig.begin(A, { tiles: 3, bytes: 700_000 })).toBe('begun');
    expect(await on.rig.images.record(A)).toEqual({
      ...planOf(3),
      id: A,
      state: 'splitting',
      done: 0,
      attempts: 0,
      reclaims: 0,
      fenced: 0,
      announced: 0,
      createdAt: START_MS,
      blurredAt: null,
      endedAt: null,
      error: null,
      gone: null,
    });
    const { admitted, images } = await on.rig.look();
    expect({ admitted, images }).toEqual({ admitted: { [A]: '700000' }, images: { [A]: START_MS } });
  });

  test('does not change an image that is in progress, blurred or done', async () => {
    await on.rig.begin(A, { tiles: 2 });
    expect(await on.rig.begin(A, { tiles: 3 })).toBe('splitting');
    await on.rig.split(A, 2);
    expect(await on.rig.begin(A, { again: true })).toBe('blurring');
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect(await on.rig.begin(A, { again: true })).toBe('blurred');
    await on.rig.ledger.finish(A);
    expect(await on.rig.begin(A)).toBe('done');
    expect(await on.rig.images.record(A)).toMatchObject({ tiles: 2 });
  });

  test('starts a cancelled image again, without its old jobs and record', async () => {
    await on.rig.split(A, 3);
    await on.rig.claim('old');
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A, { tiles: 2 })).toBe('begun');
    const { queue, claims, byImage } = await on.rig.look();
    expect({ queue, claims }).toEqual({ queue: [], claims: {} });
    expect(byImage[A].staying).toEqual(['meta']);
    expect(await on.rig.images.record(A)).toMatchObject({ tiles: 2, attempts: 0, endedAt: null });
  });

  test('starts a failed image again while its tiles are leased, waiting and done', async () => {
    await on.rig.split(A, 4);
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    await on.rig.killNextTile();
    const held = await on.rig.claim();
    expect(await on.rig.begin(A, { tiles: 4 })).toBe('begun');
    expect(await on.rig.images.deadTiles(A)).toEqual([]);
    expect(await on.rig.images.knownTiles(A)).toEqual(new Set());
    const { queue, leases, dead, byImage } = await on.rig.look();
    expect({ queue, leases, dead }).toEqual({ queue: [], leases: {}, dead: {} });
    expect(byImage[A].staying).toEqual(['meta']);
    expect(await on.rig.queue.ack(held, pixels('of the earlier life'))).toBe('stale');
  });

  test('starts a done image again only if its result is gone', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.finish(A);
    expect(await on.rig.begin(A)).toBe('done');
    expect(await on.rig.begin(A, { again: true })).toBe('begun');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'splitting', endedAt: null });
    expect((await on.rig.look()).byImage[A].staying).toEqual(['meta']);
  });

  test('admits images as long as they fit the budget to the byte', async () => {
    expect(await on.rig.begin(A, { bytes: 600_000 })).toBe('begun');
    expect(await on.rig.begin(B, { bytes: 400_001 })).toBe('over-budget');
    expect(await on.rig.images.record(B)).toBeNull();
    expect((await on.rig.look()).admitted).toEqual({ [A]: '600000' });
    expect(await on.rig.begin(B, { bytes: 400_000 })).toBe('begun');
  });

  test("admits a client's images as long as they fit its share to the byte, and those of others beside them", async () => {
    expect(await on.rig.begin(A, { bytes: 400_000, client: 'ann' })).toBe('begun');
    expect(await on.rig.begin(B, { bytes: 301_000, client: 'ann' })).toBe('over-share');
    expect(await on.rig.images.record(B)).toBeNull();
    expect(await on.rig.begin(B, { bytes: 301_000, client: 'ben' })).toBe('begun');
    expect(await on.rig.begin(C, { bytes: 300_000, client: 'ann' })).toBe('over-budget');
    expect(await on.rig.begin(C, { bytes: 299_000, client: 'ann' })).toBe('begun');
    expect((await on.rig.look()).clients).toEqual({ ann: '699000', ben: '301000' });
  });

  test('counts an image that starts again once, and for the client that sent it last', async () => {
    await on.rig.begin(A, { bytes: 500_000, client: 'ann' });
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A, { bytes: 700_000, client: 'ann' })).toBe('begun');
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    expect(await on.rig.begin(A, { bytes: 700_000, client: 'ann' })).toBe('begun');
    expect((await on.rig.look()).clients).toEqual({ ann: '700000' });
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A, { bytes: 600_000, client: 'ben' })).toBe('begun');
    expect((await on.rig.look()).clients).toEqual({ ben: '600000' });
  });

  test('counts an image that another client starts again fully for that client', async () => {
    await on.rig.begin(A, { bytes: 500_000, client: 'ann' });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    await on.rig.begin(B, { bytes: 400_000, client: 'ben' });
    expect(await on.rig.begin(A, { bytes: 500_000, client: 'ben' })).toBe('over-share');
    expect((await on.rig.look()).clients).toEqual({ ann: '500000', ben: '400000' });
    expect(await on.rig.begin(A, { bytes: 300_000, client: 'ben' })).toBe('begun');
    expect((await on.rig.look()).clients).toEqual({ ben: '700000' });
  });

  test('counts a failed image, whose room any other image may take, for no client', async () => {
    const client = 'ann';
    await on.rig.begin(A, { tiles: 1, bytes: 700_000, client });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    expect(await on.rig.begin(B, { bytes: 1_000, client })).toBe('over-share');
    await on.rig.killNextTile();
    expect(await on.rig.begin(B, { bytes: 300_000, client })).toBe('begun');
    const { admitted, senders } = await on.rig.look();
    expect(admitted).toEqual({ [A]: '700000', [B]: '300000' });
    expect(senders).toEqual({ [B]: client });
  });

  test('cancels a split that was silent for ten minutes only for the share of its own client', async () => {
    await on.rig.begin(A, { bytes: 500_000, client: 'ann' });
    on.rig.now += 600_001;
    expect(await on.rig.begin(B, { bytes: 300_000, client: 'ben' })).toBe('begun');
    expect(await on.rig.begin(C, { bytes: 500_000, client: 'ben' })).toBe('over-share');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'splitting' });
    expect(await on.rig.begin(C, { bytes: 500_000, client: 'ann' })).toBe('begun');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'cancelled' });
  });

  test("returns a client's share when its image is done, cancelled or forgotten", async () => {
    const client = 'ann';
    await on.rig.begin(A, { tiles: 1, bytes: 700_000, client });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect(await on.rig.begin(B, { bytes: 1_000, client })).toBe('over-share');
    await on.rig.ledger.finish(A);
    expect(await on.rig.begin(B, { bytes: 700_000, client })).toBe('begun');
    await on.rig.ledger.cancel(B);
    expect(await on.rig.begin(C, { bytes: 700_000, client })).toBe('begun');
    await on.rig.ledger.forget(C);
    const { senders, clients } = await on.rig.look();
    expect({ senders, clients }).toEqual({ senders: {}, clients: {} });
  });

  test("frees a client's share of an ended image that was not swept", async () => {
    await on.rig.split(B, 1);
    await on.rig.begin(A, { tiles: 2, bytes: 700_000, client: 'ann' });
    await on.rig.dying.cancel(A);
    expect((await on.rig.look()).clients).toEqual({ ann: '700000' });
    expect(await on.rig.begin(C, { bytes: 700_000, client: 'ann' })).toBe('begun');
  });

  test('starts from zero for every client when nobody holds anything', async () => {
    await on.rig.begin(A, { bytes: 600_000, client: 'ann' });
    await on.rig.redis.hset(`${PREFIX}:clients`, 'ben', 50); // As if a share had been lost.
    await on.rig.ledger.forget(A);
    expect((await on.rig.look()).clients).toEqual({});
  });

  test('counts an image that starts again once', async () => {
    await on.rig.begin(A, { bytes: 600_000 });
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A, { bytes: 1_000_000 })).toBe('begun');
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    expect(await on.rig.begin(A, { bytes: 1_000_000 })).toBe('begun');
    expect((await on.rig.look()).admitted).toEqual({ [A]: '1000000' });
  });

  test('has room again when an image is done, cancelled or forgotten', async () => {
    await on.rig.begin(A, { tiles: 1, bytes: 1_000_000 });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect(await on.rig.begin(B, { bytes: 1_000_000 })).toBe('over-budget');
    await on.rig.ledger.finish(A);
    expect(await on.rig.begin(B, { bytes: 1_000_000 })).toBe('begun');
    await on.rig.ledger.cancel(B);
    expect(await on.rig.begin(C, { bytes: 1_000_000 })).toBe('begun');
    await on.rig.ledger.forget(C);
    expect(await on.rig.begin(A, { bytes: 1_000_000, again: true })).toBe('begun');
  });

  test('adds up what all images hold, and starts from zero when none holds anything', async () => {
    const total = () => on.rig.redis.hget(`${PREFIX}:totals`, 'admitted');
    await on.rig.begin(A, { bytes: 600_000 });
    await on.rig.begin(B, { bytes: 300_000 });
    expect(await total()).toBe('900000');
    await on.rig.redis.hincrby(`${PREFIX}:totals`, 'admitted', 50); // As after an upgrade with images in progress.
    await on.rig.ledger.forget(A);
    expect(await total()).toBe('300050');
    await on.rig.ledger.forget(B);
    expect(await total()).toBeNull();
  });

  test('cancels a split that was silent for ten minutes, if its memory is needed', async () => {
    await on.rig.begin(A, { tiles: 3, bytes: 800_000 });
    on.rig.now += 1000;
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    on.rig.now += 600_000;
    expect(await on.rig.begin(B, { bytes: 100_000 })).toBe('begun');
    expect(await on.rig.begin(C, { bytes: 500_000 })).toBe('over-budget');
    on.rig.now += 1;
    expect(await on.rig.begin(C, { bytes: 500_000 })).toBe('begun');
    const record = { state: 'cancelled', error: 'its split died', endedAt: on.rig.now };
    expect(await on.rig.images.record(A)).toMatchObject(record);
    const { byImage, admitted } = await on.rig.look();
    expect(byImage[A].expiring).toEqual(['meta']);
    expect(admitted).toEqual({ [A]: String(RECORD_BYTES), [B]: '100000', [C]: '500000' });
  });

  test('does not cancel an image whose tiles are all queued, or whose request was just repeated', async () => {
    await on.rig.split(A, 2);
    await on.rig.begin(B, { tiles: 2, bytes: 100_000 });
    on.rig.now += 700_000;
    await on.rig.begin(B);
    expect(await on.rig.begin(C, { bytes: 900_000 })).toBe('over-budget');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring' });
    expect(await on.rig.images.record(B)).toMatchObject({ state: 'splitting' });
  });

  test('starts an image whose record has expired again; a job of it that still waits is claimed once', async () => {
    await on.rig.split(A, 2);
    await on.rig.ledger.cancel(A);
    await on.rig.expire(A);
    await on.rig.split(A, 2);
    const claims = [await on.rig.claim(), await on.rig.claim()];
    expect(claims.map((claim) => claim.job.tile)).toEqual([0, 1]);
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await on.rig.queue.ack(claims[0], pixels('core'))).toBe('acked');
    expect(await on.rig.queue.ack(claims[1], pixels('core'))).toBe('last');
  });
});

describe('enqueue', () => {
  test('puts a tile on the queue with its source, once', async () => {
    await on.rig.begin(A, { tiles: 2 });
    expect(await on.rig.ledger.enqueue(A, 1, sourceOf(A, 1))).toBe('enqueued');
    expect(await on.rig.ledger.enqueue(A, 1, sourceOf(A, 1))).toBe('known');
    const { queue, byImage } = await on.rig.look();
    expect(queue).toEqual([`${A}:1`]);
    expect(byImage[A].src).toEqual({ 1: `source of ${A}:1` });
    expect(await on.rig.images.knownTiles(A)).toEqual(new Set([1]));
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'splitting' });
    expect(await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0))).toBe('last');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring' });
  });

  test('leaves no source behind for a tile that is done, or for an image that accepts none', async () => {
    await on.rig.split(A, 2);
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect(await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0))).toBe('known');
    expect(Object.keys((await on.rig.look()).byImage[A].src)).toEqual(['1']);
    await on.rig.ledger.cancel(A);
    expect(await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0))).toBe('over');
    expect(await on.rig.ledger.enqueue(B, 0, sourceOf(B, 0))).toBe('over');
    await on.rig.blur(C);
    await on.rig.ledger.finish(C);
    expect(await on.rig.ledger.enqueue(C, 0, sourceOf(C, 0))).toBe('over');
    expect(await on.rig.redis.keys('*:src:*')).toEqual([]);
  });
});
