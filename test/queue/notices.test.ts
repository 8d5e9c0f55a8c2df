// Notices: what the queue keeps of an ended image until the receiver has accepted its event.
import { describe, expect, test } from 'vitest';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { readCounts } from '../../functions/lib/queue/counts.ts';
import { A, B, BUDGET_BYTES, planOf, pixels, POLICY, PREFIX, Rig, START_MS, useRig } from './rig.ts';

const on = useRig({ doneSink: 'http://receiver.example' });

/** Takes an image to its end. Returns the name of its notice. */
async function finish(id: string): Promise<string> {
  await on.rig.blur(id);
  await on.rig.ledger.finish(id);
  return `${id}:${on.rig.now}`;
}

const noticesLeft = async () => Object.keys((await on.rig.look()).notices);

describe('a notice', () => {
  test('is opened when an image is done, and has its record', async () => {
    await on.rig.blur(A, 2);
    on.rig.now += 7;
    await on.rig.ledger.finish(A);
    const due = await on.rig.notices.next(1000, 9);
    expect(due).toMatchObject({ notice: `${A}:${START_MS + 7}`, isGivenUp: false });
    const { name, width, height, tiles, recipe, output, owner, createdAt } = {
      ...(await on.rig.images.record(A)),
    };
    const ofRecord = { name, width, height, tiles, recipe, output, owner, createdAt };
    expect(due?.image).toMatchObject(ofRecord);
    expect(due?.image).toMatchObject({
      state: 'done',
      error: null,
      blurredAt: START_MS,
      endedAt: START_MS + 7,
    });
  });

  test('is opened once when an image fails, however many of its tiles die', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile('poison');
    await on.rig.killNextTile('poison too');
    const due = await on.rig.notices.next(1000, 9);
    expect(due?.image).toMatchObject({ id: A, state: 'failed', error: 'tile 0: poison' });
    expect(await on.rig.nextNotice(1000)).toBeNull();
  });

  test('is opened again when an image that was requeued fails again', async () => {
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    await on.rig.ledger.requeue(`${A}:0`);
    await on.rig.killNextTile();
    expect(await noticesLeft()).toHaveLength(2);
  });

  test('is opened when an image fails because the last lease of a tile has expired', async () => {
    await on.rig.split(A, 1);
    for (let attempt = 1; attempt <= POLICY.maxAttempts; attempt++) {
      await on.rig.claim();
      on.rig.now += 10_000;
      await on.rig.queue.claim();
      on.rig.now += 10_000;
    }
    const due = await on.rig.notices.next(1000, 9);
    expect(due?.image).toMatchObject({ state: 'failed', error: 'tile 0: its lease expired' });
  });

  test('is opened when an image fails because its event was given up, and again when it is done after all', async () => {
    await on.rig.blur(A);
    await on.rig.due(1000, 1);
    on.rig.now += 1000;
    await on.rig.due(1000, 1);
    on.rig.now += 1;
    await on.rig.ledger.finish(A);
    const states = [];
    for (let each = 0; each < 2; each++) states.push((await on.rig.notices.next(1000, 9))?.image.state);
    expect(states).toEqual(['failed', 'done']);
  });

  test('is not opened for an image that is cancelled, dropped or forgotten', async () => {
    await on.rig.split(A, 1);
    await on.rig.ledger.cancel(A);
    await on.rig.split(A, 1);
    await on.rig.ledger.forget(A);
    await on.rig.split(B, 1);
    await on.rig.killNextTile();
    await on.rig.ledger.drop(B);
    expect(await noticesLeft()).toHaveLength(1);
  });

  test('of a done image contains no earlier error', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.noteFault(A, 'the disk is full');
    await on.rig.ledger.finish(A);
    expect((await on.rig.notices.next(1000, 9))?.image).toMatchObject({ state: 'done', error: null });
  });

  test('of an image that ends twice at the same moment is sent as often as any other', async () => {
    const notice = await finish(A);
    expect(await on.rig.nextNotice(1000, 1)).toBe(notice);
    await on.rig.begin(A, { tiles: 1, again: true });
    expect(await finish(A)).toBe(notice);
    expect(await on.rig.nextNotice(1000, 1)).toBe(notice);
  });

  test('is opened once for an image that is closed twice', async () => {
    const notice = await finish(A);
    on.rig.now += 1;
    expect(await on.rig.ledger.finish(A)).toBe('again');
    expect(await noticesLeft()).toEqual([notice]);
  });

  test('outlives the record of its image, and a new life of it', async () => {
    const notice = await finish(A);
    await on.rig.ledger.begin(A, planOf(1), { bytes: 1000, budgetBytes: BUDGET_BYTES }, { again: true });
    await on.rig.ledger.forget(A);
    const due = await on.rig.notices.next(1000, 9);
    expect(due).toMatchObject({ notice, image: { id: A, name: 'photo', state: 'done', tiles: 1 } });
  });

  test('is held back from other senders while it is being sent', async () => {
    const notice = await finish(A);
    for (let sent = 0; sent < 3; sent++) {
      expect(await on.rig.nextNotice(25_000)).toBe(notice);
      on.rig.now += 24_999;
      expect(await on.rig.nextNotice(25_000)).toBeNull();
      on.rig.now += 1;
    }
  });

  test('that was not accepted is due again after a pause that doubles, up to half a minute', async () => {
    const notice = await finish(A);
    for (const [at, pause] of [10_000, 20_000, 30_000, 30_000].entries()) {
      expect(await on.rig.nextNotice(30_000)).toBe(notice);
      on.rig.now += 100;
      expect(await on.rig.notices.retry({ notice, sendings: at + 1 }, 10_000)).toBe('retried');
      on.rig.now += pause - 1;
      expect(await on.rig.nextNotice(30_000)).toBeNull();
      on.rig.now += 1;
    }
  });

  test('stays with its new sender when the last one reports late that it failed', async () => {
    const notice = await finish(A);
    expect(await on.rig.notices.next(10_000, 9)).toMatchObject({ notice, sendings: 1 });
    on.rig.now += 10_000;
    expect(await on.rig.notices.next(10_000, 9)).toMatchObject({ notice, sendings: 2 });
    expect(await on.rig.notices.retry({ notice, sendings: 1 }, 1)).toBe('over');
    on.rig.now += 9999;
    expect(await on.rig.nextNotice(10_000)).toBeNull();
  });

  test('is not opened again when it was closed before its failure is reported', async () => {
    const notice = await finish(A);
    await on.rig.nextNotice(10_000);
    await on.rig.notices.close(notice);
    expect(await on.rig.notices.retry({ notice, sendings: 1 }, 1)).toBe('over');
    expect(await noticesLeft()).toEqual([]);
  });

  test('is due again in time after the clock was set back', async () => {
    const notice = await finish(A);
    on.rig.now -= 1_000_000;
    expect(await on.rig.nextNotice(1000)).toBeNull();
    on.rig.now += 30_000;
    expect(await on.rig.nextNotice(1000)).toBe(notice);
  });

  test('that was sent often enough is given up, and its image stays done', async () => {
    const notice = await finish(A);
    for (let sent = 0; sent < 3; sent++) {
      expect(await on.rig.nextNotice(1000, 3)).toBe(notice);
      on.rig.now += 30_000;
    }
    expect(await on.rig.notices.next(1000, 3)).toMatchObject({ notice, isGivenUp: true, image: { id: A } });
    expect(await on.rig.nextNotice(1000, 3)).toBeNull();
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', error: null });
    const { notices, noticeRecords, admitted, dead } = await on.rig.look();
    expect({ notices, noticeRecords, dead }).toEqual({ notices: {}, noticeRecords: {}, dead: {} });
    expect(admitted).toEqual({ [A]: String(RECORD_BYTES) });
  });

  test('leaves nothing when it is closed, also if it is closed twice', async () => {
    const notice = await finish(A);
    const other = await finish(B);
    await on.rig.notices.close(notice);
    await on.rig.notices.close(notice);
    const { notices, noticeRecords, admitted } = await on.rig.look();
    expect(Object.keys(notices)).toEqual([other]);
    expect(Object.keys(noticeRecords)).toEqual([other]);
    expect(Object.keys(admitted).sort()).toEqual([A, B, other]);
  });

  test('counts in the budget, but for no client', async () => {
    await on.rig.begin(A, { tiles: 1, client: 'ann' });
    await on.rig.blur(A);
    await on.rig.ledger.finish(A);
    const { totals, clients } = await on.rig.look();
    expect(Number(totals.admitted)).toBe(2 * RECORD_BYTES);
    expect(clients).toEqual({ ann: String(RECORD_BYTES) });
  });

  test('counts as an event that has to be sent', async () => {
    await finish(A);
    await on.rig.blur(B);
    expect(await readCounts(on.rig.redis, PREFIX)).toMatchObject({ outbox: 2 });
  });
});

test('without a receiver no notice is opened', async () => {
  const silent = new Rig(on.rig.redis);
  await silent.blur(A);
  await silent.ledger.finish(A);
  await silent.split(B, 1);
  await silent.killNextTile();
  await silent.ledger.requeue(`${B}:0`);
  await silent.queue.ack(await silent.claim(), pixels('core'));
  await silent.due(1000, 1);
  silent.now += 1000;
  expect(await silent.due(1000, 1)).toBe(`given up ${B}`);
  expect(await noticesLeft()).toEqual([]);
});
