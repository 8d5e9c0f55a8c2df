// What is read of images: records, lists and pixels. tile-map.test.ts has the states of tiles.
import { expect, test } from 'vitest';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { A, B, C, pixels, PREFIX, useRig } from './rig.ts';

const on = useRig();

test('cores are returned in the given order, with null and size 0 if there is none', async () => {
  await on.rig.split(A, 3);
  await on.rig.queue.ack(await on.rig.claim(), pixels('zero'));
  await on.rig.queue.ack(await on.rig.claim(), pixels('tile one'));
  expect((await on.rig.images.cores(A, [2, 1, 0])).map((core) => core && String(core))).toEqual([
    null,
    'tile one',
    'zero',
  ]);
  expect(await on.rig.images.coreSizes(A, [2, 1, 0])).toEqual([0, 8, 4]);
});

test('the newest images come first, without those whose record has expired', async () => {
  for (const id of [A, B, C]) {
    await on.rig.begin(id);
    on.rig.now += 1;
  }
  await on.rig.redis.del(`image:${B}:meta`);
  const ids = async (limit: number) => (await on.rig.images.newest(limit)).map((record) => record.id);
  expect(await ids(2)).toEqual([C, A]);
  expect(await ids(1)).toEqual([C]);
  expect(Object.keys((await on.rig.look()).images)).toEqual([A, C]);
});

test('an image behind hundreds whose records have expired is listed', async () => {
  await on.rig.begin(A);
  const expired = Array.from({ length: 500 }, (_, at) => [on.rig.now + 1 + at, `${at}`.padStart(24, '0')]);
  await on.rig.redis.zadd(queueKeys(PREFIX).images, ...expired.flat());
  expect((await on.rig.images.newest(1)).map((record) => record.id)).toEqual([A]);
});

test('the list forgets expired images as new ones arrive, even if nobody reads it', async () => {
  await on.rig.begin(A);
  await on.rig.ledger.cancel(A);
  await on.rig.expire(A);
  await on.rig.begin(B);
  expect(Object.keys((await on.rig.look()).images)).toEqual([B]);
});

test('there is no record of an unknown image', async () => {
  expect(await on.rig.images.record(A)).toBeNull();
  expect(await on.rig.images.deadTiles(A)).toEqual([]);
});
