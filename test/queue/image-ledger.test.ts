// The images' side of the queue after they are filled: announced, closed, cancelled.
import { describe, expect, test } from 'vitest';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { recordKeys } from '../support/keys-left.ts';
import { A, B, C, pixels, POLICY, START_MS, useRig } from './rig.ts';

const on = useRig();

describe('due', () => {
  test('returns the image that has been due the longest, and nothing before its time', async () => {
    await on.rig.blur(B);
    on.rig.now += 5;
    await on.rig.blur(A);
    expect(await on.rig.due(1000)).toBe(B);
    expect(await on.rig.due(1000)).toBe(A);
    expect(await on.rig.due(1000)).toBeNull();
  });

  test('pauses twice as long after each sending, up to half a minute', async () => {
    await on.rig.blur(A);
    for (const pause of [10_000, 20_000, 30_000, 30_000]) {
      expect(await on.rig.due(10_000)).toBe(A);
      on.rig.now += pause - 1;
      expect(await on.rig.due(10_000)).toBeNull();
      on.rig.now += 1;
    }
    expect(await on.rig.images.record(A)).toMatchObject({ announced: 4 });
  });
});

describe('an image whose event was sent often enough', () => {
  /** Sends the event as often as allowed, and once more. */
  async function giveUp(id: string): Promise<void> {
    await on.rig.blur(id, 2);
    for (let sent = 0; sent < 3; sent++) {
      expect(await on.rig.due(1000, 3)).toBe(id);
      on.rig.now += 30_000;
    }
    expect(await on.rig.due(1000, 3)).toBe(`given up ${id}`);
  }

  test('fails with the reason, leaves the outbox, and keeps its results for a while', async () => {
    await on.rig.blur(A, 2);
    expect(await on.rig.due(1000, 1)).toBe(A);
    await on.rig.ledger.noteFault(A, 'assemble answered 503');
    on.rig.now += 999;
    expect(await on.rig.due(1000, 1)).toBeNull();
    on.rig.now += 1;
    expect(await on.rig.due(1000, 1)).toBe(`given up ${A}`);
    const record = { state: 'failed', error: 'given up after 1 events: assemble answered 503', announced: 1 };
    expect(await on.rig.images.record(A)).toMatchObject({ ...record, done: 2, endedAt: on.rig.now });
    const { outbox, dead, sweeps, admitted, byImage } = await on.rig.look();
    expect({ outbox, dead }).toEqual({ outbox: {}, dead: { [A]: on.rig.now } });
    expect(sweeps).toEqual({ [A]: on.rig.now + POLICY.recordTtlS * 1000 });
    expect(Object.keys(admitted)).toEqual([A]);
    expect(byImage[A].out).toEqual({ 0: 'core 0', 1: 'core 1' });
    expect(await on.rig.due(1000, 1)).toBeNull();
  });

  test('says that it was never closed if every event was accepted', async () => {
    await giveUp(A);
    const error = 'given up after 3 events: none of them closed the image';
    expect(await on.rig.images.record(A)).toMatchObject({ error, announced: 3 });
  });

  test('no longer counts for its client, because any other image may take its room', async () => {
    await on.rig.begin(A, { tiles: 2, client: 'ann' });
    await giveUp(A);
    expect((await on.rig.look()).clients).toEqual({});
  });

  test('is announced again when it is requeued, as often as before', async () => {
    await giveUp(A);
    expect(await on.rig.ledger.requeue(A)).toBe('requeued');
    const record = { state: 'blurred', error: null, endedAt: null, announced: 0 };
    expect(await on.rig.images.record(A)).toMatchObject(record);
    expect(await on.rig.ledger.requeue(A)).toBe('gone');
    expect(await on.rig.due(1000, 3)).toBe(A);
    const { dead, sweeps } = await on.rig.look();
    expect({ dead, sweeps }).toEqual({ dead: {}, sweeps: {} });
    expect(await on.rig.ledger.finish(A)).toBe('finished');
  });

  test('is done after all if the last event is answered late', async () => {
    await giveUp(A);
    expect(await on.rig.ledger.finish(A)).toBe('finished');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', error: null });
    expect(await on.rig.keys()).toEqual(recordKeys([A]));
  });

  test('starts again when it is sent again', async () => {
    await giveUp(A);
    expect(await on.rig.begin(A, { tiles: 2 })).toBe('begun');
    const { dead, byImage } = await on.rig.look();
    expect({ dead, out: byImage[A].out }).toEqual({ dead: {}, out: {} });
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'splitting', announced: 0, error: null });
  });

  test('can be dropped or cancelled, and is removed when its time is over', async () => {
    await giveUp(A);
    expect(await on.rig.ledger.drop(A)).toBe('dropped');
    await giveUp(B);
    expect(await on.rig.ledger.cancel(B)).toBe('cancelled');
    await giveUp(C);
    await on.rig.expire(C);
    expect(await on.rig.keys()).toEqual(recordKeys([A, B]));
  });
});

describe('finish', () => {
  test('frees the tiles and keeps the record for a while', async () => {
    await on.rig.blur(A, 2);
    on.rig.now += 10;
    expect(await on.rig.ledger.finish(A)).toBe('finished');
    const record = { state: 'done', done: 2, endedAt: START_MS + 10 };
    expect(await on.rig.images.record(A)).toMatchObject(record);
    expect(await on.rig.keys()).toEqual(recordKeys([A]));
    const ttlS = await on.rig.redis.ttl(`image:${A}:meta`);
    expect(ttlS).toBeGreaterThan(POLICY.recordTtlS / 2);
    expect(ttlS).toBeLessThanOrEqual(POLICY.recordTtlS);
  });

  test('returns again for a done image, and over for one that is not blurred', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.finish(A);
    expect(await on.rig.ledger.finish(A)).toBe('again');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', endedAt: START_MS });
    await on.rig.split(B, 1);
    expect(await on.rig.ledger.finish(B)).toBe('over');
    await on.rig.ledger.cancel(B);
    expect(await on.rig.ledger.finish(B)).toBe('over');
    expect(await on.rig.ledger.finish(C)).toBe('over');
    expect(await on.rig.images.record(B)).toMatchObject({ state: 'cancelled' });
  });
});

describe('cancel', () => {
  test('frees everything an image holds, wherever its tiles are', async () => {
    await on.rig.split(A, 4);
    await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    await on.rig.queue.fail(await on.rig.claim(), 'broke');
    await on.rig.claim('held');
    expect(await on.rig.ledger.cancel(A)).toBe('cancelled');
    const { leases, claims, delayed, admitted, byImage } = await on.rig.look();
    expect({ leases, claims, delayed, admitted }).toEqual({
      leases: {},
      claims: {},
      delayed: {},
      admitted: { [A]: String(RECORD_BYTES) },
    });
    expect(byImage[A].expiring).toEqual(['meta']);
    expect(byImage[A].staying).toEqual([]);
    expect(await on.rig.queue.claim()).toBeNull();
  });

  test('takes a blurred image out of the outbox', async () => {
    await on.rig.blur(A);
    expect(await on.rig.ledger.cancel(A)).toBe('cancelled');
    expect(await on.rig.due(1000)).toBeNull();
  });

  test('returns how an ended image ended, and null for an unknown one', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.finish(A);
    expect(await on.rig.ledger.cancel(A)).toBe('done');
    await on.rig.split(B, 1);
    await on.rig.ledger.cancel(B);
    const { endedAt } = (await on.rig.images.record(B)) ?? {};
    on.rig.now += 10;
    expect(await on.rig.ledger.cancel(B)).toBe('cancelled');
    expect(await on.rig.images.record(B)).toMatchObject({ endedAt });
    expect(await on.rig.ledger.cancel(C)).toBeNull();
  });
});

describe('noteFault', () => {
  test('records what keeps a blurred image from being done, until it is done', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.noteFault(A, 'the disk is full');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurred', error: 'the disk is full' });
    await on.rig.ledger.finish(A);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', error: null });
  });

  test('records nothing for an image that was cancelled, started again or forgotten meanwhile', async () => {
    await on.rig.split(A, 1);
    await on.rig.ledger.noteFault(A, 'late');
    expect(await on.rig.images.record(A)).toMatchObject({ error: null });
    await on.rig.ledger.cancel(A);
    await on.rig.ledger.noteFault(A, 'late');
    expect(await on.rig.images.record(A)).toMatchObject({ error: null });
    await on.rig.ledger.forget(A);
    await on.rig.ledger.noteFault(A, 'late');
    expect(await on.rig.keys()).toEqual([]);
  });
});

test('forget leaves nothing of an image', async () => {
  await on.rig.split(A, 3);
  await on.rig.queue.fail(await on.rig.claim(), 'broke');
  await on.rig.claim();
  await on.rig.ledger.forget(A);
  expect(await on.rig.keys()).toEqual([]);
  await on.rig.ledger.forget(A);
  expect(await on.rig.keys()).toEqual([]);
});
