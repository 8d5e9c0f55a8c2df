// The chunks of an image's result are kept beside its tiles, and removed with the image.
import { describe, expect, test } from 'vitest';
import { A, B, BUDGET_BYTES, pixels, PREFIX, useRig } from './rig.ts';

const on = useRig();
const chunks = pixels('chunks');
const key = `${PREFIX}:${A}:ancillary`;

const kept = async () => Buffer.from(await on.rig.images.ancillary(A)).toString();

describe('the chunks of an image', () => {
  test('are kept when the image is started', async () => {
    expect(await on.rig.begin(A, { ancillary: chunks })).toBe('begun');
    expect(await kept()).toBe('chunks');
    expect((await on.rig.look()).strays).toEqual([]);
  });

  test.each([['nothing', undefined] as const, ['no bytes', new Uint8Array()] as const])(
    'take no key if they are %s',
    async (_, ancillary) => {
      expect(await on.rig.begin(A, { ancillary })).toBe('begun');
      expect(await kept()).toBe('');
      expect(await on.rig.redis.exists(key)).toBe(0);
    },
  );

  test('stay unchanged when the image is started again', async () => {
    await on.rig.begin(A, { ancillary: chunks });
    expect(await on.rig.begin(A, { ancillary: pixels('others') })).toBe('splitting');
    expect(await kept()).toBe('chunks');
    expect((await on.rig.look()).strays).toEqual([]);
  });

  test('are not kept for an image that is not admitted', async () => {
    await on.rig.begin(B, { bytes: BUDGET_BYTES });
    expect(await on.rig.begin(A, { ancillary: chunks })).toBe('over-budget');
    expect(await on.rig.redis.keys(`${PREFIX}:${A}:*`)).toEqual([]);
  });

  test.each([
    ['finished', () => on.rig.ledger.finish(A)],
    ['cancelled', () => on.rig.ledger.cancel(A)],
    ['forgotten', () => on.rig.ledger.forget(A)],
  ])('are removed when the image is %s', async (_, end) => {
    await on.rig.begin(A, { tiles: 1, ancillary: chunks });
    await on.rig.blur(A);
    await end();
    expect(await on.rig.redis.exists(key)).toBe(0);
  });

  test('are those of its new life when it starts again', async () => {
    await on.rig.begin(A, { tiles: 1, ancillary: chunks });
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A, { ancillary: pixels('new') })).toBe('begun');
    expect(await kept()).toBe('new');
    await on.rig.ledger.cancel(A);
    expect(await on.rig.begin(A)).toBe('begun');
    expect(await kept()).toBe('');
  });

  test('stay with a failed image, and are removed with it', async () => {
    await on.rig.begin(A, { tiles: 1, ancillary: chunks });
    await on.rig.split(A, 1);
    await on.rig.killNextTile();
    expect(await kept()).toBe('chunks');
    expect(await on.rig.ledger.requeue(`${A}:0`)).toBe('requeued');
    expect(await kept()).toBe('chunks');
    await on.rig.killNextTile();
    await on.rig.expire(A);
    expect(await on.rig.redis.exists(key)).toBe(0);
  });
});
