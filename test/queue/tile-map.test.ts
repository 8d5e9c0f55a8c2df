// The states of an image's tiles, as GET /images/<id>/tiles shows them.
import { expect, test } from 'vitest';
import { A, B, pixels, sourceOf, useRig } from './rig.ts';

const on = useRig();

async function map(id: string, tiles: number): Promise<string | undefined> {
  return (await on.rig.images.tileMap(id, tiles))?.characters;
}

test('every state has its character', async () => {
  await on.rig.begin(A, { tiles: 6 });
  expect(await on.rig.images.tileMap(A, 6)).toEqual({ state: 'splitting', characters: '------' });
  for (let tile = 0; tile < 5; tile++) await on.rig.ledger.enqueue(A, tile, sourceOf(A, tile));
  await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
  await on.rig.claim();
  await on.rig.queue.fail(await on.rig.claim(), 'broke');
  expect(await map(A, 6)).toBe('diwqq-');
});

test('a capital letter is a tile that was claimed more than once, whatever became of it', async () => {
  await on.rig.split(A, 3);
  await on.rig.killNextTile();
  await on.rig.queue.fail(await on.rig.claim(), 'broke');
  on.rig.now += 1000;
  await on.rig.claim(); // The delayed tile is ahead of the others.
  expect(await map(A, 3)).toBe('XIq');
  on.rig.now += 2000;
  expect((await on.rig.claim()).job.tile).toBe(2);
  expect(await map(A, 3)).toBe('XWi');
});

test('a released tile was not claimed', async () => {
  await on.rig.split(A, 1);
  await on.rig.queue.release(await on.rig.claim());
  await on.rig.claim();
  expect(await map(A, 1)).toBe('i');
});

test('is known after the image is done, and shows nothing after it was cancelled', async () => {
  await on.rig.split(A, 3);
  await on.rig.queue.fail(await on.rig.claim(), 'broke');
  on.rig.now += 1000;
  for (let tile = 0; tile < 3; tile++) await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
  expect(await on.rig.images.tileMap(A, 3)).toEqual({ state: 'blurred', characters: 'Ddd' });
  await on.rig.ledger.finish(A);
  expect(await on.rig.images.tileMap(A, 3)).toEqual({ state: 'done', characters: 'Ddd' });
  await on.rig.split(B, 2);
  await on.rig.ledger.cancel(B);
  expect(await on.rig.images.tileMap(B, 2)).toEqual({ state: 'cancelled', characters: '--' });
});

test('an image that is started again has no notes of its former life', async () => {
  await on.rig.split(A, 1);
  await on.rig.killNextTile();
  await on.rig.ledger.drop(A);
  await on.rig.split(A, 1);
  expect(await map(A, 1)).toBe('q');
});

test('a finished image remembers the first 32 tiles that were claimed more than once', async () => {
  await on.rig.split(A, 40);
  for (let tile = 0; tile < 40; tile++) await on.rig.claim();
  on.rig.now += 2000;
  await on.rig.queue.claim(); // Returns what has expired, in two steps.
  on.rig.now += 1000;
  for (let claim = await on.rig.queue.claim(); claim; claim = await on.rig.queue.claim()) {
    await on.rig.queue.ack(claim, pixels('core'));
    on.rig.now += 10;
  }
  on.rig.now += 10_000;
  for (let claim = await on.rig.queue.claim(); claim; claim = await on.rig.queue.claim()) {
    await on.rig.queue.ack(claim, pixels('core'));
  }
  expect(await map(A, 40)).toBe('D'.repeat(40));
  await on.rig.ledger.finish(A);
  const finished = (await map(A, 40)) ?? '';
  expect(finished.toLowerCase()).toBe('d'.repeat(40));
  expect(finished.replaceAll('d', '')).toHaveLength(32);
});

test('an image of thousands of tiles is read in steps', async () => {
  await on.rig.begin(A, { tiles: 2500 });
  for (const tile of [0, 999, 1000, 2499]) await on.rig.ledger.enqueue(A, tile, sourceOf(A, tile));
  const characters = (await map(A, 2500)) ?? '';
  expect(characters).toHaveLength(2500);
  expect([...characters.matchAll(/q/g)].map(({ index }) => index)).toEqual([0, 999, 1000, 2499]);
});

test('does not exist for an unknown image', async () => {
  expect(await on.rig.images.tileMap(B, 3)).toBeNull();
});
