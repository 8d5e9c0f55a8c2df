// Images with an owner, in the ledger: listed for their owner only.
import { expect, test } from 'vitest';
import { A, B, BUDGET_BYTES, C, planOf, PREFIX, useRig } from './rig.ts';

const on = useRig();

async function begin(id: string, owner: string): Promise<void> {
  await on.rig.ledger.begin(id, { ...planOf(1), owner }, { bytes: 100_000, budgetBytes: BUDGET_BYTES });
  on.rig.now += 1;
}

async function listed(owner?: string): Promise<string[]> {
  return (await on.rig.images.newest(10, owner)).map(({ id }) => id);
}

test("an owner's newest images come first, without those of others", async () => {
  await begin(A, 'alice');
  await begin(B, 'bob');
  await begin(C, 'alice');
  expect(await listed('alice')).toEqual([C, A]);
  expect(await listed('bob')).toEqual([B]);
  expect(await listed('carol')).toEqual([]);
  expect(await listed()).toEqual([C, B, A]);
});

test('the record contains the owner of an image', async () => {
  await begin(A, 'alice');
  await begin(B, '');
  expect((await on.rig.images.record(A))?.owner).toBe('alice');
  expect((await on.rig.images.record(B))?.owner).toBe('');
  expect(await on.rig.redis.keys(`${PREFIX}:images:*`)).toEqual([`${PREFIX}:images:alice`]);
});

test("an owner's list forgets expired images, read or not", async () => {
  await begin(A, 'alice');
  await begin(B, 'alice');
  await on.rig.ledger.cancel(A);
  await on.rig.expire(A);
  expect(await listed('alice')).toEqual([B]);
  await on.rig.ledger.cancel(B);
  await on.rig.expire(B);
  await begin(C, 'alice');
  expect(await on.rig.redis.zrange(`${PREFIX}:images:alice`, '0', '-1')).toEqual([C]);
});

test("an owner's list loses an image that is forgotten", async () => {
  await begin(A, 'alice');
  await begin(B, 'alice');
  await on.rig.ledger.forget(A);
  expect(await on.rig.redis.zrange(`${PREFIX}:images:alice`, '0', '-1')).toEqual([B]);
});

test('the list of an owner that sends nothing any more is removed, after all of its records', async () => {
  await begin(A, 'alice');
  await on.rig.ledger.cancel(A);
  const recordTtlMs = await on.rig.redis.pttl(`${PREFIX}:${A}:meta`);
  expect(recordTtlMs).toBeGreaterThan(0);
  expect(await on.rig.redis.pttl(`${PREFIX}:images:alice`)).toBeGreaterThan(recordTtlMs);
});
