// split dies in the middle of an image. The same request sent again must complete it, and never queue a tile
// twice.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { kill, Rig, rigTiles, unhurried } from '../../chaos/rig.ts';
import type { Stop } from '../../chaos/redis-proxy.ts';
import { until } from '../../functions/testing/until.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

interface Death extends Stop {
  when: string;
  /** Tiles on the queue when it died. */
  enqueued: number;
}

/** The last ones are in the full form only. */
const deaths: Death[] = [
  { when: 'at 0 %', step: 'begin', moment: 'reply', nth: 1, enqueued: 0 },
  { when: 'at 50 %', step: 'enqueue', moment: 'request', nth: 1 + rigTiles / 2, enqueued: rigTiles / 2 },
  { when: 'at 100 %', step: 'enqueue', moment: 'reply', nth: rigTiles, enqueued: rigTiles },
  { when: 'before anything', step: 'begin', moment: 'request', nth: 1, enqueued: 0 },
  { when: 'at 99 %', step: 'enqueue', moment: 'request', nth: rigTiles, enqueued: rigTiles - 1 },
];

describe('split killed', () => {
  test.each(isFull ? deaths : deaths.slice(0, 3))(
    '$when: the same request again completes the image',
    async (death) => {
      const stopped = rig.split.proxy.hold(death);
      const first = rig.post('a.png').catch(() => 'cut off');
      const passage = await stopped;
      const listed = () => rig.redis.llen('image:job:queue');
      await until('the tiles before it to be on the list', async () => (await listed()) === death.enqueued);
      await kill(rig.split);
      passage.cut();
      expect(await first).toBe('cut off');
      expect(await listed()).toBe(death.enqueued);

      await rig.startWorker(unhurried);
      await rig.startSplit();
      const image = await rig.send('a.png');
      expect(await findFaults(rig, [image])).toEqual([]);
      expect(await rig.status(image.id)).toMatchObject({ attempts: rigTiles, reclaims: 0, announced: 1 });
    },
  );

  test('and the same request sent three times at once is one image', async () => {
    const images = await Promise.all([rig.send('a.png'), rig.send('a.png'), rig.send('a.png')]);
    expect(new Set(images.map(({ id }) => id)).size).toBe(1);
    await rig.startWorker(unhurried);
    expect(await findFaults(rig, images)).toEqual([]);
    expect(await rig.status(images[0].id)).toMatchObject({ attempts: rigTiles, announced: 1 });
  });

  test('and the request sent again once the image is done changes nothing', async () => {
    const image = await rig.send('a.png');
    await rig.startWorker(unhurried);
    expect(await findFaults(rig, [image])).toEqual([]);
    const before = await rig.status(image.id);
    expect((await rig.send('a.png')).id).toBe(image.id);
    expect(await rig.status(image.id)).toEqual(before);
    expect(await findFaults(rig, [image])).toEqual([]);
  });
});
