// Redis's clock jumps by an hour: it was set, or a replica with another clock was promoted. Nothing waits
// longer than it would if it were counted from the new time.
import { beforeEach, describe, expect, test } from 'vitest';
import { recordKeys } from '../support/keys-left.ts';
import { A, B, BUDGET_BYTES, pixels, POLICY, useRig } from './rig.ts';

const on = useRig();
const HOUR_MS = 60 * 60 * 1000;
/** The longest pause before another attempt, with the largest jitter. */
const LONGEST_PAUSE_MS = 45_000;

beforeEach(() => {
  on.rig.now += 2 * HOUR_MS;
});

describe('a clock set back', () => {
  test('delays no lease for longer than one lease', async () => {
    await on.rig.split(A, 1);
    await on.rig.claim('of a worker that dies');
    on.rig.now -= HOUR_MS;
    expect(await on.rig.queue.claim()).toBeNull();
    on.rig.now += POLICY.leaseMs;
    await on.rig.queue.claim();
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 1 });
  });

  test('takes no tile from a worker that extends its lease', async () => {
    await on.rig.split(A, 1);
    const held = await on.rig.claim();
    on.rig.now -= HOUR_MS;
    for (let third = 0; third < 6; third++) {
      await on.rig.queue.claim();
      on.rig.now += POLICY.leaseMs / 3;
      expect(await on.rig.queue.extend(held)).toBe('extended');
    }
    expect(await on.rig.queue.ack(held, pixels('core'))).toBe('last');
    expect(await on.rig.images.record(A)).toMatchObject({ reclaims: 0, attempts: 1 });
  });

  test('delays no retry for longer than the longest pause', async () => {
    await on.rig.split(A, 1);
    await on.rig.queue.fail(await on.rig.claim(), 'broke');
    on.rig.now -= HOUR_MS;
    expect(await on.rig.queue.claim()).toBeNull();
    on.rig.now += LONGEST_PAUSE_MS;
    expect((await on.rig.claim()).job).toEqual({ imageId: A, tile: 0 });
  });

  test('delays no event for longer than the longest pause', async () => {
    await on.rig.blur(A);
    on.rig.now -= HOUR_MS;
    expect(await on.rig.due(1000)).toBeNull();
    on.rig.now += 30_000;
    expect(await on.rig.due(1000)).toBe(A);
  });

  test('frees the memory of a split that died', async () => {
    await on.rig.begin(A, { bytes: BUDGET_BYTES });
    on.rig.now -= HOUR_MS;
    expect(await on.rig.begin(B)).toBe('over-budget');
    on.rig.now += 10 * 60 * 1000 + 1;
    expect(await on.rig.begin(B)).toBe('begun');
  });

  test('frees everything of a cancelled image', async () => {
    await on.rig.split(A, 3);
    await on.rig.dying.cancel(A);
    on.rig.now -= HOUR_MS;
    await on.rig.sweep();
    expect(await on.rig.keys()).toEqual(recordKeys([A]));
  });
});

describe('a clock set forward', () => {
  test('returns a tile again, and stores the result of the second claim only', async () => {
    await on.rig.split(A, 1);
    const early = await on.rig.claim();
    on.rig.now += HOUR_MS;
    await on.rig.queue.claim();
    on.rig.now += LONGEST_PAUSE_MS;
    const late = await on.rig.claim();
    expect(await on.rig.queue.ack(early, pixels('core'))).toBe('stale');
    expect(await on.rig.queue.ack(late, pixels('core'))).toBe('last');
    expect(await on.rig.ledger.finish(A)).toBe('finished');
  });
});
