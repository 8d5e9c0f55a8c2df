// The check of the invariants, checked: whatever is broken in Redis, it must say so.
import { describe, expect, test } from 'vitest';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { brokenInvariants } from './invariants.ts';
import { A, B, C, pixels, PREFIX, useRig, type Rig } from './rig.ts';

const on = useRig();
const names = queueKeys(PREFIX);
const [a, b, c] = [A, B, C].map((id) => imageKeys(PREFIX, id));

/** A: done 0, leased 1, delayed 2, ready 3. B: dead 0, done 1, so it is settled. C: cancelled. */
async function setUp(rig: Rig): Promise<void> {
  await rig.split(B, 2);
  await rig.killNextTile();
  await rig.queue.ack(await rig.claim(), pixels('core'));
  await rig.split(C, 1);
  await rig.ledger.cancel(C);
  await rig.split(A, 4);
  await rig.queue.ack(await rig.claim(), pixels('core'));
  const held = await rig.claim('held');
  await rig.queue.fail(await rig.claim(), 'broke');
  expect(held.job).toEqual({ imageId: A, tile: 1 });
}

const breaks: [title: string, command: (string | number)[], said: RegExp][] = [
  ['a key of no name', ['SET', `${PREFIX}:${A}:other`, 'x'], /no stray keys/],
  ['a result on its way', ['SET', a.staged('held'), 'x'], /no stray keys/],
  ['keys without a record', ['DEL', a.meta], /has a record/],
  ['an image missing in the index', ['ZREM', names.images, A], /in the index/],
  [
    'a job missing on the queue',
    ['LREM', names.queue, 0, `${A}:3`],
    /:3 is ready, but 0 times among the ready/,
  ],
  ['a job twice on the queue', ['RPUSH', names.queue, `${A}:3`], /2 times among the ready/],
  [
    'a tile that is done on the queue',
    ['RPUSH', names.queue, `${A}:0`],
    /:0 is done, but 1 times among the ready/,
  ],
  ['a lease missing', ['ZREM', names.leases, `${A}:1`], /:1 is leased, but 0 times/],
  ['a lease of nothing', ['ZADD', names.leases, 1, `${C}:0`], /the lease of .* is held/],
  ['a delayed tile missing', ['ZREM', names.delayed, `${A}:2`], /:2 is delayed, but 0 times/],
  ['a delayed tile of nothing', ['ZADD', names.delayed, 1, `${C}:0`], /is to be retried/],
  ['a dead letter missing', ['ZREM', names.dead, `${B}:0`], /:0 is dead, but 0 times/],
  ['a dead letter that lives', ['ZADD', names.dead, 1, `${A}:3`], /1 times among the dead/],
  ['a done tile not counted', ['SREM', a.done, 0], /:0 is done, but 0 times among the done/],
  ['a token of a tile that is ready', ['HSET', a.tokens, 3, 'x'], /a token if and only if it is leased/],
  ['a token missing', ['HDEL', a.tokens, 1], /a token if and only if it is leased/],
  ['a claim unknown', ['HDEL', names.claims, 'held'], /the claim that holds .* is known/],
  ['a claim of nothing', ['HSET', names.claims, 'old', `${A}:0`], /claim old holds/],
  ['a result missing', ['DEL', a.out(0)], /a result if and only if it is done/],
  ['a result too early', ['SET', a.out(3), 'x'], /a result if and only if it is done/],
  ['a source missing', ['DEL', a.src(3)], /its source if and only if it is not done/],
  ['a source left over', ['SET', a.src(0), 'x'], /its source if and only if it is not done/],
  ['a source of no tile', ['SET', a.src(9), 'x'], /src of .* that were enqueued, not 9/],
  ['an ack unknown', ['HDEL', a.acks, 0], /whose ack ended/],
  ['an attempt unknown', ['HDEL', a.attempts, 1], /was attempted/],
  ['attempts less than none', ['HSET', a.attempts, 3, -1], /less than never/],
  ['an error of a tile that is done', ['HSET', a.errors, 0, 'x'], /is done and has no error/],
  ['an error unknown', ['HDEL', a.errors, 2], /why .* is delayed/],
  ['an image in the outbox too early', ['ZADD', names.outbox, 1, A], /in the outbox if and only if/],
  ['an image unknown in the outbox', ['ZADD', names.outbox, 1, 'd'.repeat(24)], /in the outbox, exists/],
  ['an image that is over in the outbox', ['ZADD', names.outbox, 1, C], /out of the outbox/],
  ['memory of a live image not counted', ['HDEL', names.admitted, A], /holds memory and is admitted/],
  ['a total that is not the sum', ['HINCRBY', names.totals, 'admitted', 1], /total of all shares is 200/],
  ['memory of an image that is over', ['HSET', names.admitted, C, 1], /is over and holds no memory/],
  ['a state too early', ['HSET', a.meta, 'state', 'blurred'], /is blurred if and only if/],
  ['a failure without a dead tile', ['HSET', a.meta, 'state', 'failed'], /has failed if and only if/],
  ['a split that is over', ['HSET', a.meta, 'state', 'splitting'], /is blurring, not splitting/],
  ['dead tiles miscounted', ['HSET', b.meta, 'dead', 2], /counts its 1 dead tiles/],
  ['something live that expires', ['EXPIRE', a.src(3), 100], /stays, but not src:3/],
  ['something settled that stays', ['PERSIST', b.src(0)], /expires as a whole, but not src:0/],
  ['a record that is over and stays', ['PERSIST', c.meta], /the record of .* expires/],
  ['bytes of an image that is over', ['SET', c.src(0), 'x', 'EX', 100], /only the record .* is left/],
];

describe('the check of the invariants', () => {
  test('finds nothing broken in a queue with tiles in every place', async () => {
    await setUp(on.rig);
    expect(brokenInvariants(await on.rig.look())).toEqual([]);
  });

  test.each(breaks)('finds %s', async (_, [command, ...args], said) => {
    await setUp(on.rig);
    await on.rig.redis.call(String(command), ...args);
    expect(brokenInvariants(await on.rig.look())).toContainEqual(expect.stringMatching(said));
  });
});
