// What Redis holds for images besides their tiles, uploads and results, and how it makes room for new ones.
import { beforeEach, describe, expect, test } from 'vitest';
import { blobMemoryBytes, openBlob, writeBlob } from '../../functions/lib/redis/blob.ts';
import { ImageLedger } from '../../functions/lib/queue/image-ledger.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { recordKeys } from '../support/keys-left.ts';
import { A, B, C, planOf, pixels, POLICY, PREFIX, sourceOf, useRig } from './rig.ts';

const on = useRig();
const D = 'd'.repeat(24);
const E = 'e'.repeat(24);
/** What an image may hold while it is in progress; what its result holds afterwards, and both its result and its record. */
const SHARE = 10_000;
const RESULT = blobMemoryBytes(4000);
const KEPT = RESULT + RECORD_BYTES;
/** Enough for the records of eight images, and for three results beside them. */
const BUDGET = 8 * 8 * RECORD_BYTES;
const CLIENT_BUDGET = BUDGET / 2;
const keys = queueKeys(PREFIX);

const begin = (id: string, bytes = SHARE, again = false) =>
  on.rig.ledger.begin(id, planOf(1), { bytes, budgetBytes: BUDGET }, { again });
const beginOf = (name: string, id: string, bytes = SHARE) => {
  const client = { name, budgetBytes: CLIENT_BUDGET };
  return on.rig.ledger.begin(id, planOf(1), { bytes, budgetBytes: BUDGET, client });
};
const wait = (bytes = SHARE) => on.rig.room.waitMs({ bytes, budgetBytes: BUDGET });

/** Puts bytes where a part of an image is taken over from. */
async function take(id: string, part: 'upload' | 'result', size = 4000): Promise<unknown> {
  await writeBlob(on.rig.redis, `${PREFIX}:${id}:new:x`, [Buffer.alloc(size, id)], 600);
  return on.rig.scripts.run('take-blob', id, 'x', part);
}

/** Takes an image from nothing to done, with a result in Redis, in so many milliseconds; of a client if one is given. */
async function finish(id: string, ms = 1000, client?: string, ledger = on.rig.ledger): Promise<void> {
  expect(await (client === undefined ? begin(id) : beginOf(client, id))).toBe('begun');
  await on.rig.ledger.enqueue(id, 0, sourceOf(id, 0));
  await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
  expect(await take(id, 'result')).toBe('taken');
  on.rig.now += ms;
  expect(await ledger.finish(id)).toBe('finished');
}

async function admitted(): Promise<Record<string, number>> {
  const fields = await on.rig.redis.hgetall(keys.admitted);
  return Object.fromEntries(Object.entries(fields).map(([id, bytes]) => [id, Number(bytes)]));
}

const partsOf = async (id: string) => (await on.rig.redis.keys(`${PREFIX}:${id}:*`)).sort();

describe('a result in Redis', () => {
  test('counts as held by its image from its finish on, and expires with the record', async () => {
    await finish(A);
    expect(await admitted()).toEqual({ [A]: KEPT });
    expect(await on.rig.redis.hget(keys.totals, 'admitted')).toBe(String(KEPT));
    expect(await partsOf(A)).toEqual([`${PREFIX}:${A}:meta`, `${PREFIX}:${A}:result`]);
    expect(await on.rig.redis.ttl(`${PREFIX}:${A}:result`)).toBe(POLICY.recordTtlS);
  });

  test('is given back once it has expired and another image is begun', async () => {
    const options = { keyPrefix: PREFIX, recordTtlS: POLICY.recordTtlS, resultTtlS: 100 };
    await finish(A, 1000, undefined, new ImageLedger(on.rig.redis, options, () => on.rig.now));
    on.rig.now += 100_000;
    expect(await begin(B)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: RECORD_BYTES, [B]: SHARE });
    expect(await on.rig.redis.zcard(keys.results)).toBe(0);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', gone: 'expired' });
  });

  test('leaves no record behind when that has expired before', async () => {
    await finish(A);
    await on.rig.redis.unlink(`${PREFIX}:${A}:meta`, `${PREFIX}:${A}:result`);
    on.rig.now += POLICY.recordTtlS * 1000;
    expect(await begin(B)).toBe('begun');
    expect(await partsOf(A)).toEqual([]);
    expect(await admitted()).toEqual({ [B]: SHARE });
  });

  test('leaves no record behind when that has expired and the result gives way before anyone notices', async () => {
    await finish(A);
    await on.rig.redis.unlink(`${PREFIX}:${A}:meta`, `${PREFIX}:${A}:result`);
    expect(await begin(B, BUDGET - RECORD_BYTES)).toBe('begun');
    expect(await partsOf(A)).toEqual([]);
    expect(await admitted()).toEqual({ [A]: RECORD_BYTES, [B]: BUDGET - RECORD_BYTES });
  });

  test('can be deleted, which frees its memory and is noted', async () => {
    await finish(A);
    expect(await on.rig.ledger.dropResult(A)).toBe('dropped');
    expect(await admitted()).toEqual({ [A]: RECORD_BYTES });
    expect(await on.rig.redis.hexists(keys.totals, 'results')).toBe(0);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', gone: 'deleted' });
    expect(await partsOf(A)).toEqual([`${PREFIX}:${A}:meta`]);
    expect(await on.rig.ledger.dropResult(A)).toBe('dropped');
  });

  test('cannot be deleted before it is done', async () => {
    await begin(A);
    expect(await on.rig.ledger.dropResult(A)).toBe('splitting');
    expect(await on.rig.ledger.dropResult(B)).toBeNull();
    expect(await admitted()).toEqual({ [A]: SHARE });
  });

  test('goes when its image starts over', async () => {
    await finish(A);
    expect(await begin(A, SHARE, true)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: SHARE });
    expect(await partsOf(A)).toEqual([`${PREFIX}:${A}:meta`]);
    expect(await on.rig.images.record(A)).toMatchObject({ gone: null });
  });

  test('is not taken over when its image is over, and goes with an image that is cancelled', async () => {
    await on.rig.blur(A);
    expect(await take(A, 'result')).toBe('taken');
    await on.rig.ledger.cancel(A);
    expect(await take(A, 'result')).toBe('over');
    expect(await partsOf(A)).toEqual([`${PREFIX}:${A}:meta`]);
  });
});

describe('an upload in Redis', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['finished', () => on.rig.ledger.finish(A)],
    ['cancelled', () => on.rig.ledger.cancel(A)],
    ['forgotten', () => on.rig.ledger.forget(A)],
  ])('goes when its image is %s', async (_, end) => {
    await on.rig.blur(A);
    expect(await take(A, 'upload')).toBe('taken');
    expect(await on.rig.redis.hgetall(keys.uploads)).toEqual({ photo: A });
    expect(await on.rig.redis.ttl(`${PREFIX}:${A}:upload`)).toBe(-1);
    await end();
    expect(await on.rig.redis.keys('*upload*')).toEqual([]);
    expect(await take(A, 'upload')).toBe('over');
    expect(await on.rig.redis.keys('*:new:*')).toEqual([]);
  });

  test('of another image that has taken its name stays', async () => {
    await on.rig.split(A, 1);
    await on.rig.split(B, 1);
    await take(A, 'upload');
    await take(B, 'upload');
    await on.rig.ledger.cancel(A);
    expect(await on.rig.redis.hgetall(keys.uploads)).toEqual({ photo: B });
    expect((await openBlob(on.rig.redis, `${PREFIX}:${B}:upload`))?.sizeBytes).toBe(4000);
  });
});

describe('a new image', () => {
  beforeEach(async () => {
    for (const id of [A, B, C]) await finish(id);
  });

  test('has the oldest results give way, as many as it takes', async () => {
    const bytes = BUDGET - KEPT - 2 * RECORD_BYTES;
    expect(await begin(D, bytes)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: RECORD_BYTES, [B]: RECORD_BYTES, [C]: KEPT, [D]: bytes });
    expect(await on.rig.redis.hget(keys.totals, 'results')).toBe(String(RESULT));
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'done', gone: 'room' });
    expect(await on.rig.images.record(B)).toMatchObject({ state: 'done', gone: 'room' });
    expect(await on.rig.images.record(C)).toMatchObject({ state: 'done', gone: null });
    expect(await partsOf(A)).toEqual([`${PREFIX}:${A}:meta`]);
  });

  test('has the oldest records give way when no result is left, as many as it takes', async () => {
    const bytes = BUDGET - RECORD_BYTES;
    expect(await begin(D, bytes)).toBe('begun');
    expect(await admitted()).toEqual({ [C]: RECORD_BYTES, [D]: bytes });
    expect([await on.rig.images.record(A), await on.rig.images.record(B)]).toEqual([null, null]);
    expect(await on.rig.images.record(C)).toMatchObject({ state: 'done', gone: 'room' });
    expect(await on.rig.keys()).toEqual([...recordKeys([C, D]), keys.splits].sort());
  });

  test('has none give way while there is room', async () => {
    expect(await begin(D)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: KEPT, [B]: KEPT, [C]: KEPT, [D]: SHARE });
  });

  test('has none give way where that would not be enough', async () => {
    await begin(D, 10_000);
    expect(await begin(E, BUDGET - 10_000 + 1)).toBe('over-budget');
    expect(await admitted()).toEqual({ [A]: KEPT, [B]: KEPT, [C]: KEPT, [D]: 10_000 });
  });

  test('has dozens give way', async () => {
    const many = Array.from({ length: 60 }, (_, at) => at.toString(16).padStart(24, '0'));
    const budgetBytes = 200 * RESULT;
    for (const id of many) {
      await on.rig.ledger.begin(id, planOf(1), { bytes: SHARE, budgetBytes });
      await on.rig.ledger.enqueue(id, 0, sourceOf(id, 0));
      await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
      await take(id, 'result');
      await on.rig.ledger.finish(id);
    }
    const plan = planOf(1);
    expect(await on.rig.ledger.begin(D, plan, { bytes: budgetBytes, budgetBytes })).toBe('begun');
    expect(await admitted()).toEqual({ [D]: budgetBytes });
  });
});

describe('a record', () => {
  const idOf = (n: number) => n.toString(16).padStart(24, '0');

  test('gives way ahead of results while records hold more than an eighth of the budget', async () => {
    const cancelled = Array.from({ length: 10 }, (_, n) => idOf(n));
    for (const id of cancelled) {
      on.rig.now += 1;
      await begin(id);
      await on.rig.ledger.cancel(id);
    }
    await finish(A);
    await begin(B, BUDGET - KEPT - 8 * RECORD_BYTES);
    const left = Object.keys(await admitted()).sort();
    expect(left).toEqual([...cancelled.slice(2), A, B].sort());
  });

  test('within its eighth stays while an image in progress takes the room, which soon is free again', async () => {
    await begin(A);
    await on.rig.ledger.cancel(A);
    await begin(B, BUDGET - RECORD_BYTES);
    on.rig.now += 1000;
    expect(await begin(C, RECORD_BYTES)).toBe('over-budget');
    expect(await wait(RECORD_BYTES)).toBe(1000);
    expect(await admitted()).toEqual({ [A]: RECORD_BYTES, [B]: BUDGET - RECORD_BYTES });
  });

  test('is given back once it has expired and another image is begun', async () => {
    await begin(A);
    await on.rig.ledger.cancel(A);
    await on.rig.redis.unlink(`${PREFIX}:${A}:meta`);
    on.rig.now += POLICY.recordTtlS * 1000;
    expect(await begin(B)).toBe('begun');
    expect(await admitted()).toEqual({ [B]: SHARE });
    expect((await on.rig.look()).images).toEqual({ [B]: on.rig.now });
  });

  test('that gives way before its image is swept gives back all that the image holds', async () => {
    await on.rig.begin(A, { tiles: 2 });
    await on.rig.dying.cancel(A);
    await on.rig.ledger.forget(A);
    expect(await on.rig.keys()).toEqual([]);
  });
});

describe('an image that starts over', () => {
  test('does not count its own result among those that can make room', async () => {
    await finish(C);
    await finish(A);
    await begin(B, BUDGET / 2);
    const bytes = BUDGET / 2 - RECORD_BYTES + 1;
    expect(await begin(A, bytes, true)).toBe('over-budget');
    expect(await on.rig.images.record(C)).toMatchObject({ gone: null });
  });

  test('does not count its own record among those that can make room', async () => {
    for (const id of [C, A]) {
      await begin(id);
      on.rig.now += 1;
      await on.rig.ledger.cancel(id);
    }
    await begin(B, RECORD_BYTES);
    expect(await begin(A, BUDGET - RECORD_BYTES + 1)).toBe('over-budget');
    expect(await on.rig.images.record(C)).toMatchObject({ state: 'cancelled' });
  });
});

describe('an image of a client that is over its share', () => {
  beforeEach(async () => {
    await finish(A, 1000, 'ben');
    await finish(B, 1000, 'ann');
    await finish(C, 1000, 'ann');
  });

  test("has the client's own results give way, the oldest first, and leaves older ones of others", async () => {
    const bytes = CLIENT_BUDGET - KEPT - RECORD_BYTES;
    expect(await beginOf('ann', D, bytes)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: KEPT, [B]: RECORD_BYTES, [C]: KEPT, [D]: bytes });
    expect(await on.rig.images.record(B)).toMatchObject({ gone: 'room' });
    expect((await on.rig.look()).clients).toEqual({ ann: String(CLIENT_BUDGET), ben: String(KEPT) });
  });

  test("has the client's own records give way when no result of it is left", async () => {
    expect(await beginOf('ann', D, CLIENT_BUDGET)).toBe('begun');
    expect(await admitted()).toEqual({ [A]: KEPT, [D]: CLIENT_BUDGET });
    const { recordsOf } = await on.rig.look();
    expect(recordsOf).toEqual({ ben: { [A]: expect.any(Number) as number } });
  });

  test('has nothing give way where that would not be enough', async () => {
    await beginOf('ann', D, 10_000);
    expect(await beginOf('ann', E, CLIENT_BUDGET - 10_000 + 1)).toBe('over-share');
    expect(await admitted()).toEqual({ [A]: KEPT, [B]: KEPT, [C]: KEPT, [D]: 10_000 });
  });

  test('does not fail for what a worker of another release dropped', async () => {
    await on.rig.redis.zadd(`${keys.results}:ann`, 1, E);
    await on.rig.redis.hset(keys.clientResults, 'ann', 3 * RESULT);
    expect(await beginOf('ann', D, CLIENT_BUDGET)).toBe('begun');
    expect(await on.rig.redis.exists(`${keys.results}:ann`)).toBe(0);
  });
});

test('an image of a client within its share has the oldest result of all give way', async () => {
  await finish(A, 1000, 'ben');
  await finish(B, 1000, 'ann');
  const bytes = BUDGET - KEPT - RECORD_BYTES;
  expect(await beginOf('ann', D, CLIENT_BUDGET - KEPT)).toBe('begun');
  expect(await begin(E, bytes - CLIENT_BUDGET + KEPT)).toBe('begun');
  expect(await on.rig.images.record(A)).toMatchObject({ gone: 'room' });
  expect(await on.rig.images.record(B)).toMatchObject({ gone: null });
});

describe('who finds no room is told when to come again', () => {
  test('not at all while there may be room', async () => {
    await finish(A);
    expect(await wait(BUDGET)).toBeNull();
    await begin(B, BUDGET - 500);
    expect(await wait(500)).toBeNull();
    expect(await wait(501)).not.toBeNull();
  });

  test('after the time it takes until enough images are done', async () => {
    await finish(A, 3000);
    await finish(B, 1000); // 2 s each, with 10 kB each.
    await begin(C, BUDGET);
    expect(await wait(1)).toBe(2000);
    expect(await wait(10_000)).toBe(2000);
    expect(await wait(10_001)).toBe(4000);
    on.rig.now += 500;
    expect(await wait(10_001)).toBe(3500);
  });

  test('after the time it takes in its share of the budget, if that is what is full', async () => {
    await finish(A, 2000);
    const of = (name: string) => ({
      bytes: SHARE,
      budgetBytes: BUDGET,
      client: { name, budgetBytes: SHARE },
    });
    await on.rig.ledger.begin(B, planOf(1), of('ann'));
    expect(await on.rig.room.waitMs(of('ann'))).toBe(2000);
    expect(await on.rig.room.waitMs(of('ben'))).toBeNull();
  });

  test('without counting the time in which there was nothing to do', async () => {
    await finish(A, 2000);
    on.rig.now += 100_000;
    await finish(B, 2000);
    on.rig.now += 100_000;
    await begin(C, BUDGET);
    expect(await wait(1)).toBe(2000);
  });

  test('after as long again as the work has taken so far, when it takes longer or nothing was done yet', async () => {
    await begin(A, BUDGET);
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    on.rig.now += 700;
    expect(await wait(1)).toBe(700);
    await on.rig.claim();
    on.rig.now += 300;
    expect(await wait(1)).toBe(1000);
    await on.rig.ledger.cancel(A);

    await finish(B, 2000);
    await begin(C, BUDGET);
    await on.rig.ledger.enqueue(C, 0, sourceOf(C, 0));
    on.rig.now += 90_000;
    expect(await wait(1)).toBe(90_000);
  });

  test('at once while something can give way, or a split may have died and be resumed', async () => {
    await begin(A, BUDGET);
    on.rig.now += 4999;
    expect(await wait(1)).not.toBeNull();
    on.rig.now += 1;
    expect(await wait(1)).toBeNull();
    await on.rig.ledger.enqueue(A, 0, sourceOf(A, 0));
    expect(await wait(1)).not.toBeNull();
    await on.rig.killNextTile();
    expect(await wait(1)).toBeNull();
  });
});
