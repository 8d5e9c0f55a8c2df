// A tile that always fails, and a tile that kills every worker that blurs it: it becomes a dead letter after
// MAX_ATTEMPTS, its image says why, and no other image is affected.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { kill, patient, Rig, rigTiles } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

const poisoned = 5;
const attempts = 3;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ MAX_ATTEMPTS: String(attempts) });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

/** Waits until nothing of the image changes any more. */
async function untilSettled(id: string): Promise<void> {
  await until('the other tiles', async () => (await rig.status(id)).done === rigTiles - 1);
}

describe('a poison tile', () => {
  test('that cannot be blurred becomes a dead letter, and its image fails with the reason', async () => {
    const bad = await rig.send('bad.png');
    const good = await rig.send('good.png');
    await rig.redis.set(`image:${bad.id}:src:${poisoned}`, 'no pixels');
    await rig.startWorker(patient);

    expect(await findFaults(rig, [good], { givenUp: [bad.id] })).toEqual([]);
    await untilSettled(bad.id);
    const status = await rig.status(bad.id);
    expect(status).toMatchObject({ status: 'failed', attempts: rigTiles - 1 + attempts, output: null });
    expect(status.dead).toEqual([
      { tile: poisoned, reason: expect.stringMatching(/need \d+ or \d+ bytes, not 9/) },
    ]);
    expect(status.error).toContain(`tile ${poisoned}`);
  });

  test('that comes first affects no other tile', async () => {
    await rig.send('bad.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'claim', moment: 'reply' });
    await sleep(200);
    expect(await rig.redis.zcard('image:job:leases')).toBe(1);
    await kill(worker);
    passage.cut();
  });

  test('that kills its workers becomes a dead letter after MAX_ATTEMPTS workers', async () => {
    const bad = await rig.send('bad.png');
    const good = await rig.send('good.png');
    // First in line, so that its first worker holds no other tile. A tile that is in hand at all three kills would be
    // given up too.
    const job = `${bad.id}:${poisoned}`;
    await rig.redis.multi().lrem('image:job:queue', 1, job).rpush('image:job:queue', job).exec();
    for (let dead = 0; dead < attempts; dead++) {
      const { worker, passage } = await rig.startWorkerUntil({
        step: 'claim',
        moment: 'reply',
        where: ({ answer }) => answer.startsWith(`${bad.id}:${poisoned} `),
      });
      await kill(worker);
      passage.cut();
    }
    await rig.startWorker(patient); // A lease of its own that expires would use up an attempt of another tile.

    await until('the tile to be given up', async () => (await rig.status(bad.id)).dead.length > 0);
    expect(await findFaults(rig, [good], { givenUp: [bad.id] })).toEqual([]);
    const status = await rig.status(bad.id);
    expect(status.dead).toEqual([{ tile: poisoned, reason: 'its lease expired' }]);
    expect(status.status).toBe('failed');
    expect(status.reclaims).toBeGreaterThanOrEqual(attempts);
  });
});
