// The ends of a claim: acked, failed or released, by the claim that holds the tile and by others.
import { describe, expect, test, vi } from 'vitest';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { A, pixels, POLICY, PREFIX, START_MS, useRig } from './rig.ts';

const on = useRig();

describe('ack', () => {
  test('replaces the source by the result', async () => {
    await on.rig.split(A, 2);
    expect(await on.rig.queue.ack(await on.rig.claim('one'), pixels('core'))).toBe('acked');
    const { byImage, leases, claims, outbox } = await on.rig.look();
    expect(byImage[A]).toMatchObject({ out: { 0: 'core' }, acks: { 0: 'one' }, done: ['0'] });
    expect(Object.keys(byImage[A].src)).toEqual(['1']);
    expect({ leases, claims, outbox }).toEqual({ leases: {}, claims: {}, outbox: {} });
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'blurring', done: 1, blurredAt: null });
  });

  test('of the last tile puts the image in the outbox', async () => {
    await on.rig.split(A, 1);
    on.rig.now += 10;
    expect(await on.rig.queue.ack(await on.rig.claim(), pixels('core'))).toBe('last');
    expect((await on.rig.look()).outbox).toEqual({ [A]: START_MS + 10 });
    expect(await on.rig.images.record(A)).toMatchObject({
      state: 'blurred',
      done: 1,
      blurredAt: START_MS + 10,
    });
  });

  test('sent again returns again and changes nothing', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    await on.rig.queue.ack(claim, pixels('core'));
    const before = await on.rig.look();
    on.rig.now += 10;
    expect(await on.rig.queue.ack(claim, pixels('other bytes'))).toBe('again');
    expect(await on.rig.look()).toEqual(before);
  });

  test('is accepted after the lease has expired, if the tile was not reclaimed', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    on.rig.now += 10 * POLICY.leaseMs;
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('last');
  });

  test('of a claim that lost the tile is refused, whether the tile is in flight or done', async () => {
    const old = await claimLostTo('new');
    expect(await on.rig.queue.ack(old, pixels('late'))).toBe('stale');
    const current = await on.rig.claim('new');
    expect(await on.rig.queue.ack(current, pixels('core'))).toBe('last');
    expect(await on.rig.queue.ack(old, pixels('late'))).toBe('stale');
    const { byImage, strays } = await on.rig.look();
    expect(byImage[A].out).toEqual({ 0: 'core' });
    expect(strays).toEqual([]);
  });

  test('that is refused is counted in the record, once however often it is sent', async () => {
    const old = await claimLostTo('new');
    for (const bytes of ['late', 'sent again']) {
      expect(await on.rig.queue.ack(old, pixels(bytes))).toBe('stale');
      expect(await on.rig.images.record(A)).toMatchObject({ fenced: 1 });
    }
  });

  test('of a cancelled image returns cancelled and keeps nothing', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    await on.rig.ledger.cancel(A);
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('cancelled');
    expect((await on.rig.look()).strays).toEqual([]);
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'cancelled', fenced: 0 });
  });

  test('of an unknown image returns stale and keeps nothing', async () => {
    await on.rig.split(A, 1);
    const claim = await on.rig.claim();
    await on.rig.ledger.forget(A);
    expect(await on.rig.queue.ack(claim, pixels('core'))).toBe('stale');
    expect(await on.rig.keys()).toEqual([]);
  });
});

describe('fail', () => {
  test('delays the tile by a pause that doubles each time, plus a jitter of up to a half', async () => {
    const random = vi.spyOn(Math, 'random');
    try {
      await on.rig.split(A, 1);
      random.mockReturnValue(0);
      expect(await on.rig.queue.fail(await on.rig.claim(), 'broke')).toBe('delayed');
      expect((await on.rig.look()).delayed).toEqual({ [`${A}:0`]: START_MS + 100 });
      on.rig.now += 99;
      expect(await on.rig.queue.claim()).toBeNull();
      on.rig.now += 1;
      random.mockReturnValue(1);
      expect(await on.rig.queue.fail(await on.rig.claim(), 'broke again')).toBe('delayed');
      expect((await on.rig.look()).delayed).toEqual({ [`${A}:0`]: on.rig.now + 300 });
    } finally {
      random.mockRestore();
    }
  });

  test('never delays a tile for longer than half a minute plus its half', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(1);
    try {
      const patient = { keyPrefix: PREFIX, ...POLICY, retryBaseMs: 29_000 };
      const queue = new LeaseQueue(on.rig.redis, patient, () => on.rig.now);
      await on.rig.split(A, 1);
      await on.rig.queue.release(await on.rig.claim());
      for (const pause of [43_500, 45_000]) {
        const claim = await on.rig.claim();
        expect(await queue.fail(claim, 'broke')).toBe('delayed');
        expect((await on.rig.look()).delayed).toEqual({ [`${A}:0`]: on.rig.now + pause });
        on.rig.now += pause;
      }
    } finally {
      random.mockRestore();
    }
  });

  test('makes a tile a dead letter after its last attempt; its image fails and the other tiles continue', async () => {
    await on.rig.split(A, 2);
    await on.rig.killNextTile('poison');
    expect(await on.rig.images.deadTiles(A)).toEqual([{ tile: 0, reason: 'poison' }]);
    const died = on.rig.now - 1000;
    expect(await on.rig.images.record(A)).toMatchObject({ error: 'tile 0: poison', endedAt: died });
    expect(await on.rig.queue.ack(await on.rig.claim(), pixels('core'))).toBe('acked');
    expect(await on.rig.images.record(A)).toMatchObject({ state: 'failed', done: 1, attempts: 4 });
  });

  test('returns stale to a claim that lost the tile, and to the same failure sent again', async () => {
    const old = await claimLostTo('new');
    expect(await on.rig.queue.fail(old, 'late')).toBe('stale');
    const claim = await on.rig.claim('new');
    expect(await on.rig.queue.fail(claim, 'broke')).toBe('delayed');
    const before = await on.rig.look();
    expect(await on.rig.queue.fail(claim, 'broke')).toBe('stale');
    expect(await on.rig.look()).toEqual(before);
  });
});

describe('release', () => {
  test('returns a tile to be claimed next, without counting the attempt', async () => {
    await on.rig.split(A, 2);
    expect(await on.rig.queue.release(await on.rig.claim())).toBe('released');
    expect(await on.rig.images.record(A)).toMatchObject({ attempts: 0 });
    expect(await on.rig.claim()).toMatchObject({ job: { tile: 0 }, attempt: 1 });
  });

  test('returns stale to a claim that lost the tile, and to the same release sent again', async () => {
    const old = await claimLostTo('new');
    expect(await on.rig.queue.release(old)).toBe('stale');
    const claim = await on.rig.claim('new');
    expect(await on.rig.queue.release(claim)).toBe('released');
    expect(await on.rig.queue.release(claim)).toBe('stale');
    expect((await on.rig.look()).queue).toEqual([`${A}:0`]);
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
