// At its memory limit Redis refuses commands that make it hold more. Nothing new is admitted, and work in
// progress can finish, because each step of it frees more than it takes.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buffer } from 'node:stream/consumers';
import { ImageBlobs } from '../../functions/lib/queue/image-blobs.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { A, B, BUDGET_BYTES, C, pixels, PREFIX, sourceOf, useRig } from './rig.ts';

const on = useRig();

async function fillMemory(): Promise<void> {
  await on.rig.redis.config('SET', 'maxmemory', '1');
  await expect(on.rig.redis.set('one', 'more')).rejects.toThrow(/OOM/);
}

beforeEach(async () => {
  await on.rig.split(A, 2);
});

afterEach(async () => {
  await on.rig.redis.config('SET', 'maxmemory', '0');
});

describe('at the memory limit', () => {
  test('no image is started, no tile enqueued, no dead tile requeued, and nothing of them stays', async () => {
    await on.rig.begin(B, { tiles: 1 });
    await on.rig.killNextTile();
    const before = await on.rig.look();
    await fillMemory();
    await expect(on.rig.ledger.enqueue(B, 0, sourceOf(B, 0))).rejects.toThrow(/OOM/);
    await on.rig.ledger.forget(B);
    await expect(on.rig.begin(B)).rejects.toThrow(/OOM/);
    await expect(on.rig.ledger.requeue(`${A}:0`)).rejects.toThrow(/OOM/);
    const { byImage, dead, queue, strays } = await on.rig.look();
    expect({ dead, queue, strays }).toEqual({ dead: before.dead, queue: before.queue, strays: [] });
    expect(byImage).toEqual({ [A]: before.byImage[A] });
  });

  test.each([
    ['known to', false],
    ['forgotten by', true],
  ])('a result is stored and its source freed, with the script %s the server', async (_, isForgotten) => {
    const [first, second] = [await on.rig.claim(), await on.rig.claim()];
    if (isForgotten) await on.rig.redis.script('FLUSH');
    await fillMemory();
    expect(await on.rig.queue.ack(first, pixels('zero'))).toBe('acked');
    expect(await on.rig.queue.ack(first, pixels('sent again'))).toBe('again');
    expect(await on.rig.queue.ack(second, pixels('one'))).toBe('last');
    const { byImage, strays } = await on.rig.look();
    expect(byImage[A]).toMatchObject({ out: { 0: 'zero', 1: 'one' }, src: {} });
    expect(strays).toEqual([]);
    expect(await on.rig.due(1000)).toBe(A);
    expect(await on.rig.ledger.finish(A)).toBe('finished');
    expect(await on.rig.redis.keys(`${PREFIX}:${A}:*`)).toEqual([`${PREFIX}:${A}:meta`]);
  });

  test('tiles are claimed, extended, failed and released, leases reclaimed, faults recorded', async () => {
    await fillMemory();
    const claim = await on.rig.claim();
    expect(await on.rig.queue.extend(claim)).toBe('extended');
    expect(await on.rig.queue.release(claim)).toBe('released');
    expect(await on.rig.queue.fail(await on.rig.claim(), 'broke')).toBe('delayed');
    await on.rig.claim();
    on.rig.now += 1000;
    await on.rig.queue.claim();
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 1 });
    for (let tile = 0; tile < 2; tile++) {
      on.rig.now += 1000;
      await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    }
    await on.rig.ledger.noteFault(A, 'the disk is full');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurred', error: 'the disk is full' });
    expect(await on.rig.images.newest(1)).toHaveLength(1);
  });

  test('a result is written, whatever its size, and its image is closed; an upload is not', async () => {
    const blobs = new ImageBlobs(on.rig.redis, PREFIX);
    const result = Buffer.alloc(2_000_000, 'result');
    await fillMemory();
    for (let tile = 0; tile < 2; tile++) await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    await expect(blobs.put(A, 'upload', [result])).rejects.toThrow(/OOM/);
    await blobs.put(A, 'result', [result]);
    expect(await on.rig.ledger.finish(A)).toBe('finished');
    const blob = await blobs.open(A, 'result');
    expect(blob && Buffer.compare(await buffer(blob.read()), result)).toBe(0);
    expect(await on.rig.redis.keys('*:new:*')).toEqual([]);
    expect(await on.rig.redis.ttl(`${PREFIX}:${A}:result`)).toBeGreaterThan(600);
  });

  test('a part of a result expires should its writer die', async () => {
    await fillMemory();
    await on.rig.scripts.run('put-part', A, 'result-x', 600, '0', 'bytes');
    expect(await on.rig.redis.ttl(`${PREFIX}:${A}:new:result-x`)).toBeGreaterThan(500);
  });

  test('images are cancelled, dropped and forgotten', async () => {
    await on.rig.split(B, 1);
    await on.rig.killNextTile();
    await fillMemory();
    expect(await on.rig.ledger.drop(A)).toBe('dropped');
    expect(await on.rig.ledger.cancel(B)).toBe('cancelled');
    await on.rig.ledger.forget(A);
    await on.rig.ledger.forget(B);
    expect(await on.rig.keys()).toEqual([]);
  });
});

describe('for an image that is refused at the memory limit', () => {
  const RESULT_BYTES = 200_000;

  /** Finishes one image after another, each with a result in Redis. */
  async function finish(...ids: string[]): Promise<void> {
    const blobs = new ImageBlobs(on.rig.redis, PREFIX);
    await on.rig.ledger.forget(A);
    for (const id of ids) {
      await on.rig.blur(id);
      await blobs.put(id, 'result', [Buffer.alloc(RESULT_BYTES)]);
      on.rig.now += 1;
      await on.rig.ledger.finish(id);
    }
  }

  /** Sets the memory limit to what Redis holds now, and `bytes` more. */
  async function limitMemory(bytes = 0): Promise<void> {
    const info = await on.rig.redis.info('memory');
    const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
    await on.rig.redis.config('SET', 'maxmemory', String(used + bytes));
  }

  const makeRoom = (bytes: number, budgetBytes = BUDGET_BYTES) => on.rig.room.make({ bytes, budgetBytes });

  const resultsLeft = async (...ids: string[]) => {
    const records = await Promise.all(ids.map((id) => on.rig.images.record(id)));
    return ids.filter((_, at) => records[at]?.state === 'done' && records[at].gone === null);
  };

  test('the oldest results are removed, no more than it needs', async () => {
    await finish(A, B, C);
    await limitMemory();
    expect(await makeRoom(RESULT_BYTES / 2)).toBe(true);
    expect(await resultsLeft(A, B, C)).toEqual([B, C]);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', gone: 'room' });
    expect(await makeRoom(RESULT_BYTES / 2)).toBe(true);
    expect(await resultsLeft(A, B, C)).toEqual([B, C]);
    expect(await makeRoom(2.5 * RESULT_BYTES)).toBe(true);
    expect(await resultsLeft(A, B, C)).toEqual([]);
  });

  test('nothing is removed if it does not fit even without all results', async () => {
    await finish(A, B);
    await limitMemory();
    expect(await makeRoom(3 * RESULT_BYTES)).toBe(false);
    await limitMemory(-3 * RESULT_BYTES);
    expect(await makeRoom(1)).toBe(false);
    expect(await resultsLeft(A, B)).toEqual([A, B]);
  });

  test('nothing is removed if there is room again', async () => {
    await finish(A);
    await limitMemory(2 * RESULT_BYTES);
    expect(await makeRoom(RESULT_BYTES)).toBe(true);
    await on.rig.redis.config('SET', 'maxmemory', '0');
    expect(await makeRoom(BUDGET_BYTES)).toBe(true);
    expect(await resultsLeft(A)).toEqual([A]);
  });

  test('records within their part of the budget stay, those beyond it are removed', async () => {
    for (const id of [A, B, C]) {
      if (id !== A) await on.rig.begin(id);
      await on.rig.ledger.cancel(id);
      on.rig.now += 1;
    }
    // The limit counts exactly; what a step of the test itself takes must not matter.
    await limitMemory(-RECORD_BYTES / 2);
    expect(await makeRoom(1)).toBe(false);
    const budgetForTwo = 2 * 8 * RECORD_BYTES;
    expect(await makeRoom(1, budgetForTwo)).toBe(true);
    const left = await on.rig.images.newest(3);
    expect(left.map(({ id }) => id)).toEqual([C, B]);
  });
});
