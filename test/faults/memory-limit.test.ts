// Redis is at its memory limit and refuses writes: nothing new is admitted, and everything in progress is
// finished.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig, rigTiles } from '../../chaos/rig.ts';
import { keysLeft } from '../support/keys-left.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(async () => {
  await rig.redis.config('SET', 'maxmemory', '0');
  await rig.reset();
});
afterAll(() => rig.stop());

async function fillMemory(): Promise<void> {
  await rig.redis.config('SET', 'maxmemory', '1');
  await expect(rig.redis.set('one', 'more')).rejects.toThrow(/OOM/);
}

describe('Redis at its memory limit', () => {
  test('refuses a new image with 429 and Retry-After, and accepts every ack of the old one', async () => {
    const image = await rig.send('a.png');
    await fillMemory();
    const { response } = await rig.post('bb.png');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);

    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await rig.status(image.id)).toMatchObject({ attempts: rigTiles, reclaims: 0 });

    await rig.redis.config('SET', 'maxmemory', '0');
    const later = await rig.send('bb.png');
    expect(await findFaults(rig, [image, later])).toEqual([]);
  });

  test('reached half way through an image refuses it and keeps nothing of it; later it is accepted', async () => {
    const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: rigTiles / 2 });
    const first = rig.post('a.png');
    const passage = await stopped;
    await fillMemory();
    passage.pass();
    expect((await first).response.status).toBe(429);
    expect(await keysLeft(rig.redis)).toEqual([]);

    await rig.startWorker(patient);
    await rig.redis.config('SET', 'maxmemory', '0');
    const image = await rig.send('a.png');
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).attempts).toBe(rigTiles);
  });
});
