// What happens to tiles that used up their attempts: kept, requeued, dropped, expired.
import { describe, expect, test } from 'vitest';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { A, B, C, pixels, POLICY, PREFIX, sourceOf, START_MS, useRig } from './rig.ts';

const on = useRig();
const DEAD = `${PREFIX}:job:dead`;
/** How long a failed image is kept. */
const KEPT_MS = POLICY.recordTtlS * 1000;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

describe('a failed image', () => {
  test('stays while its tiles are in progress, and after that for a while as a whole', async () => {
    await on.rig.split(A, 3);
    await on.rig.killNextTile();
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect((await on.rig.look()).sweeps).toEqual({});
    expect(await on.rig.queue.ack(await on.rig.claim(), pixels('core'))).toBe('acked');
    const { byImage, sweeps, admitted, dead } = await on.rig.look();
    expect(sweeps).toEqual({ [A]: on.rig.now + KEPT_MS });
    expect(byImage[A].staying).toEqual(expect.arrayContaining(['meta', 'src:0', 'out:1', 'out:2', 'done']));
    expect(Object.keys(admitted)).toEqual([A]);
    expect(Object.keys(dead)).toEqual([`${A}:0`]);
  });

  test('is removed as a whole when its time is over and an idle worker claims', async () => {
    await on.rig.split(A, 2);
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    await on.rig.killNextTile();
    const [until] = Object.values((await on.rig.look()).sweeps);
    on.rig.now = until - 1;
    await on.rig.queue.claim();
    await on.rig.sweepOneTile();
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed' });
    on.rig.now = until;
    await on.rig.queue.claim();
    expect(await on.rig.keys()).toEqual([]);
  });

  test('accepts the tiles that split has not put on the queue yet', async () => {
    await on.rig.begin(A, { tiles: 2 });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    expect((await on.rig.look()).byImage[A].expiring).toEqual([]);
    expect(await on.rig.ledger.enqueue(A, 1, sourceOf(A, 1))).toBe('last');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed' });
  });

  test('gives its memory back when its time is over', async () => {
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    on.rig.now += KEPT_MS;
    expect(await on.rig.queue.claim()).toBeNull();
    expect((await on.rig.look()).admitted).toEqual({});
  });

  test('makes room before another image is refused, the oldest first', async () => {
    for (const [id, bytes] of [
      [A, 600_000],
      [B, 400_000],
    ] as const) {
      await on.rig.begin(id, { tiles: 1, bytes });
      await on.rig.ledger.enqueue(id, 0, sourceOf(id, 0));
      await on.rig.killNextTile('poison');
    }
    expect(await on.rig.begin(C, { bytes: 500_000 })).toBe('begun');
    const { admitted, dead } = await on.rig.look();
    expect(admitted).toEqual({ [A]: String(RECORD_BYTES), [B]: '400000', [C]: '500000' });
    expect(Object.keys(dead)).toEqual([`${B}:0`]);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed', error: 'tile 0: poison' });
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('gone');
    expect((await on.rig.look()).byImage[A].expiring).toEqual(['meta']);
  });

  test('does not make room for itself when it is sent again', async () => {
    await on.rig.begin(A, { tiles: 1, bytes: 1_000_000 });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    expect(await on.rig.begin(A, { bytes: 1_000_000 })).toBe('begun');
  });
});

describe('requeue', () => {
  test('gives a dead tile all its attempts again, and its image continues', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile();
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('requeued');
    expect((await on.rig.look()).sweeps).toEqual({});
    expect(await on.rig.images.deadTiles(A)).toEqual([]);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring', error: null, endedAt: null });
    const claim = await on.rig.claim();
    expect(claim).toMatchObject({ attempt: 1, source: sourceOf(A, 0) });
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('last');
    expect(await on.rig.ledger.finish(A)).toBe('finished');
  });

  test('puts the tile ahead of waiting tiles', async () => {
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    await on.rig.split(B, 1);
    await on.rig.ledger.requeue(`${A}:0`);
    expect((await on.rig.claim()).job.imageId).toBe(A);
  });

  test('leaves an image failed while another tile of it is dead', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile();
    await on.rig.killNextTile();
    await on.rig.ledger.requeue(`${A}:0`);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed' });
    await on.rig.ledger.requeue(`${A}:1`);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring' });
  });

  test('returns an image to the state splitting if tiles are missing', async () => {
    await on.rig.begin(A, { tiles: 2 });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    await on.rig.ledger.requeue(`${A}:0`);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'splitting' });
  });

  test('returns gone for a tile that is not dead, and for the same requeue sent again', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile();
    expect(await on.rig.ledger.requeue(`${A}:1`)).toBe('gone');
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('requeued');
    const before = await on.rig.look();
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('gone');
    expect(await on.rig.ledger.requeue(`${C}:0`)).toBe('gone');
    expect(await on.rig.ledger.requeue(A)).toBe('gone');
    expect(await on.rig.ledger.requeue('no job')).toBe('gone');
    expect(await on.rig.look()).toEqual(before);
  });

  test('removes a dead letter whose image is gone', async () => {
    await on.rig.redis.zadd(DEAD, START_MS, `${A}:0`);
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('gone');
    expect((await on.rig.look()).dead).toEqual({});
  });
});

describe('drop', () => {
  test('drops a failed image for good and keeps the record of its failure', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile();
    expect(await on.rig.ledger.drop(A)).toBe('dropped');
    const { dead, admitted, byImage } = await on.rig.look();
    expect({ dead, admitted }).toEqual({ dead: {}, admitted: { [A]: String(RECORD_BYTES) } });
    expect(byImage[A].expiring).toEqual(['meta']);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed', error: 'tile 0: poison' });
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('does not change an image that has not failed, or was started again meanwhile', async () => {
    await on.rig.split(A, 1);
    expect(await on.rig.ledger.drop(A)).toBe('blurring');
    await on.rig.killNextTile();
    await on.rig.ledger.drop(A);
    expect(await on.rig.ledger.drop(A)).toBe('failed');
    await on.rig.split(A, 1);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring', error: null });
    expect(await on.rig.ledger.drop(B)).toBeNull();
  });

  test('accepts no more tiles, whose bytes would never be freed', async () => {
    await on.rig.begin(A, { tiles: 2 });
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    await on.rig.killNextTile();
    await on.rig.ledger.drop(A);
    expect(await on.rig.ledger.enqueue(A, 1, sourceOf(A, 1))).toBe('over');
    const { byImage, queue } = await on.rig.look();
    expect({ queue, staying: byImage[A].staying }).toEqual({ queue: [], staying: [] });
    expect(await on.rig.begin(A)).toBe('begun');
  });
});

describe('the list of dead letters', () => {
  test('keeps a dead letter for a week', async () => {
    await on.rig.redis.zadd(DEAD, START_MS, 'a week old');
    await on.rig.redis.zadd(DEAD, START_MS + 1, 'less');
    await on.rig.split(A, 1);
    on.rig.now += WEEK_MS - 2000;
    await on.rig.killNextTile();
    expect(on.rig.now - 1000).toBe(START_MS + WEEK_MS);
    expect(Object.keys((await on.rig.look()).dead)).toEqual(['less', `${A}:0`]);
  });

  test('keeps the newest ten thousand', async () => {
    const filling = on.rig.redis.pipeline();
    for (let n = 0; n < 9999; n++) filling.zadd(DEAD, START_MS - 10_000 + n, `letter ${n}`);
    await filling.exec();
    for (const [id, oldest] of [
      [A, 'letter 0'],
      [B, 'letter 1'],
    ]) {
      await on.rig.split(id, 1);
      await on.rig.killNextTile();
      expect(await on.rig.redis.zcard(DEAD)).toBe(10_000);
      expect(await on.rig.redis.zrange(DEAD, '0', '0')).toEqual([oldest]);
      expect(await on.rig.redis.zscore(DEAD, `${id}:0`)).not.toBeNull();
    }
  });
});
