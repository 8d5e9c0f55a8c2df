// What the metrics show of the queue. The model test checks that the counters are right after any sequence of commands, and
// lost-replies.test.ts that they are right when replies are lost.
import { describe, expect, test } from 'vitest';
import { COUNTERS, readMeasures } from '../../functions/lib/queue/measures.ts';
import { NaiveQueue } from '../../functions/lib/queue/naive-queue.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { A, B, C, pixels, POLICY, PREFIX, RESULT_BYTES, UPLOAD_BYTES, useRig } from './rig.ts';

const on = useRig();
const measure = () => readMeasures(on.rig.redis, PREFIX, () => on.rig.now);

describe('the measures', () => {
  test('are all 0 without any image', async () => {
    expect(Object.values(await measure()).every((value) => value === 0)).toBe(true);
  });

  test('show where the tiles are, and what the images may hold', async () => {
    await on.rig.split(A, 4);
    await on.rig.queue.fail(await on.rig.claim(), 'broken');
    await on.rig.claim();
    expect(await measure()).toMatchObject({ ready: 2, leased: 1, delayed: 1, dead: 0, admitted: 100_000 });
  });

  test('show every tile that is ready while the list is tidied', async () => {
    await on.rig.split(A, 3);
    await on.rig.redis.rpush(queueKeys(PREFIX).tidied, `${A}:9:1`);
    expect(await measure()).toMatchObject({ ready: 4 });
  });

  test('show the age of the oldest event, however often it was sent', async () => {
    await on.rig.blur(A);
    on.rig.now += 500;
    await on.rig.blur(B);
    await on.rig.due(30_000); // Moves A behind B.
    on.rig.now += 2000;
    expect(await measure()).toMatchObject({ outbox: 2, oldestEventMs: 2500 });
    await on.rig.ledger.finish(A);
    expect(await measure()).toMatchObject({ outbox: 1, oldestEventMs: 2000, notices: 0 });
    await on.rig.redis.zadd(queueKeys(PREFIX).notices, 1, 'a notice');
    expect(await measure()).toMatchObject({ notices: 1, dead: 0 });
  });

  test('are read while writes are paused', async () => {
    await on.rig.split(A, 2);
    await on.rig.redis.client('PAUSE', 2000, 'WRITE');
    expect(await measure()).toMatchObject({ ready: 2 });
    await on.rig.redis.client('UNPAUSE');
  });

  test('read few events of a long outbox', async () => {
    const { outbox } = queueKeys(PREFIX);
    const filling = on.rig.redis.pipeline();
    for (let at = 0; at < 5000; at++) filling.zadd(outbox, at, `image ${at}`);
    await filling.exec();
    await on.rig.redis.config('RESETSTAT');
    expect(await measure()).toMatchObject({ outbox: 5000 });
    const stats = await on.rig.redis.info('commandstats');
    expect(Number(/cmdstat_hget:calls=(\d+)/.exec(stats)?.[1])).toBe(1000);
  });
});

describe('the counters', () => {
  const counters = async () => {
    const measures = await measure();
    return Object.fromEntries(
      COUNTERS.map((name) => [name, measures[name]]).filter(([, value]) => value !== 0),
    );
  };

  test('count what became of tiles and images, and their bytes', async () => {
    await on.rig.split(A, 2);
    await on.rig.queue.release(await on.rig.claim());
    await on.rig.queue.fail(await on.rig.claim(), 'broken');
    const late = await on.rig.claim();
    for (let tile = 0; tile < 2; tile++) {
      on.rig.now += POLICY.leaseMs; // The lease of the late worker expires, and then its tile's pause.
      await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
    }
    for (let times = 0; times < 2; times++) await on.rig.queue.ack(late, pixels('too late'));
    await on.rig.ledger.finish(A, RESULT_BYTES);
    expect(await counters()).toEqual({
      lives: 1,
      uploadBytes: UPLOAD_BYTES,
      tilesReleased: 1,
      tilesRetried: 2,
      tilesReclaimed: 1,
      tilesFenced: 1,
      tilesDone: 2,
      imagesDone: 1,
      resultBytes: RESULT_BYTES,
    });
  });

  test('count an image that fails once, however many of its tiles are dead', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile();
    await on.rig.killNextTile();
    const { tilesDead, imagesFailed } = await measure();
    expect({ tilesDead, imagesFailed }).toEqual({ tilesDead: 2, imagesFailed: 1 });
  });

  test('count an image again that fails again', async () => {
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    await on.rig.ledger.requeue(`${A}:0`);
    await on.rig.killNextTile();
    expect(await measure()).toMatchObject({ tilesDead: 2, imagesFailed: 2 });
  });

  test('count an event that is given up', async () => {
    await on.rig.blur(A);
    await on.rig.due(100, 1);
    on.rig.now += 1000;
    await on.rig.due(100, 1);
    expect(await measure()).toMatchObject({ eventsGivenUp: 1, imagesFailed: 1, dead: 1 });
  });

  test('count images that are cancelled, dropped or forgotten', async () => {
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    await on.rig.ledger.drop(A); // It has been counted as failed.
    await on.rig.split(B, 1);
    await on.rig.ledger.cancel(B);
    await on.rig.split(C, 1);
    await on.rig.ledger.forget(C);
    expect(await measure()).toMatchObject({
      lives: 3,
      imagesFailed: 1,
      imagesCancelled: 1,
      imagesForgotten: 1,
    });
  });

  test('count no lease of a cancelled image that expires', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim();
    await on.rig.dying.cancel(A);
    on.rig.now += 2 * POLICY.leaseMs;
    expect(await on.rig.queue.claim()).toBeNull();
    expect(await measure()).toMatchObject({ leased: 0, tilesReclaimed: 0, imagesCancelled: 1 });
  });

  test('count an image whose split died as cancelled, and no bytes of an image that finds no room', async () => {
    await on.rig.begin(A, { bytes: 1_000_000 });
    expect(await on.rig.begin(B)).toBe('over-budget');
    expect(await measure()).toMatchObject({ lives: 1, uploadBytes: UPLOAD_BYTES, imagesCancelled: 0 });
    on.rig.now += 11 * 60_000;
    expect(await on.rig.begin(B)).toBe('begun');
    expect(await measure()).toMatchObject({ lives: 2, uploadBytes: 2 * UPLOAD_BYTES, imagesCancelled: 1 });
  });

  test('count a tile of the naive queue once', async () => {
    await on.rig.split(A, 1);
    const naive = new NaiveQueue(on.rig.redis, PREFIX);
    const claim = await naive.claim();
    if (!claim) throw new Error('No tile is ready');
    for (let times = 0; times < 2; times++) await naive.ack(claim, pixels('core'));
    await naive.close();
    expect(await measure()).toMatchObject({ tilesDone: 1 });
  });

  test('outlive the images', async () => {
    await on.rig.blur(A);
    await on.rig.ledger.finish(A, RESULT_BYTES);
    await on.rig.expire(A);
    await on.rig.split(B, 1); // Gives back the memory of expired records.
    await on.rig.ledger.forget(B);
    expect((await on.rig.look()).totals).not.toHaveProperty('admitted');
    expect(await measure()).toMatchObject({ tilesDone: 1, imagesDone: 1, resultBytes: RESULT_BYTES });
  });
});
