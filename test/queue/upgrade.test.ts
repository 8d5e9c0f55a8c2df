// During an upgrade workers and splits of two releases share one queue. Release 0.2 kept the size of a blur's kernel where
// there is a recipe now.
import { describe, expect, test } from 'vitest';
import { imageKeys } from '../../functions/lib/queue/keys.ts';
import { NaiveQueue } from '../../functions/lib/queue/naive-queue.ts';
import { A, planOf, PREFIX, useRig } from './rig.ts';

const on = useRig();
const { meta } = imageKeys(PREFIX, A);

describe('an image that release 0.2 started', () => {
  async function splitByEarlierRelease(): Promise<void> {
    await on.rig.split(A, 1);
    await on.rig.redis.hdel(meta, 'recipe');
    await on.rig.redis.hset(meta, 'kernelSize', 21);
  }

  test('has the recipe of its blur', async () => {
    await splitByEarlierRelease();
    expect(await on.rig.images.record(A)).toMatchObject({ recipe: '21' });
  });

  test('is processed, also when its claim is sent twice', async () => {
    await splitByEarlierRelease();
    expect(await on.rig.claim('token')).toMatchObject({ recipe: '21', ...sizes() });
    expect(await on.rig.claim('token')).toMatchObject({ recipe: '21', ...sizes() });
  });

  test('is processed in naive mode', async () => {
    await splitByEarlierRelease();
    const queue = new NaiveQueue(on.rig.redis, PREFIX);
    expect(await queue.claim()).toMatchObject({ recipe: '21', ...sizes() });
    await queue.close();
  });
});

test('a worker of release 0.2 finds the kernel of a blur where it looks for it', async () => {
  await on.rig.split(A, 1);
  expect(await on.rig.redis.hmget(meta, 'recipe', 'kernelSize')).toEqual(['15', '15']);
});

function sizes() {
  const { width, height, tileSizePx } = planOf(1);
  return { width, height, tileSizePx };
}
