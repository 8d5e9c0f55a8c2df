// Tests the check of the invariants: whatever is broken in Redis, it must report it.
import { describe, expect, test } from 'vitest';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { brokenInvariants } from './invariants.ts';
import { A, B, C, pixels, PREFIX, useRig, type Rig } from './rig.ts';

const on = useRig();
const names = queueKeys(PREFIX);
const D = 'd'.repeat(24);
const [a, b, c, d] = [A, B, C, D].map((id) => imageKeys(PREFIX, id));

/**
 * A: done 0, leased 1, delayed 2, ready 3. B: dead 0, done 1, so it is settled. C: cancelled. D: cancelled
 * and half swept.
 */
async function setUp(rig: Rig): Promise<void> {
  await rig.split(B, 2);
  await rig.killNextTile();
  await rig.queue.ack(await rig.claim(), pixels('core'));
  await rig.split(C, 1);
  await rig.ledger.cancel(C);
  await rig.split(D, 2);
  await rig.dying.cancel(D);
  await rig.sweepOneTile(D);
  await rig.begin(A, { tiles: 4, client: 'ann' });
  for (let tile = 0; tile < 4; tile++) await rig.ledger.enqueue(A, tile, pixels('source'));
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
    ['LREM', names.queue, 0, `${A}:3:4`],
    /:3 is ready, but 0 times among the ready/,
  ],
  ['a job twice on the queue', ['RPUSH', names.queue, `${A}:3:4`], /2 times among the ready/],
  [
    'a tile that is done on the queue',
    ['RPUSH', names.queue, `${A}:0:4`],
    /:0 is done, but 1 times among the ready/,
  ],
  ['a lease missing', ['ZREM', names.leases, `${A}:1`], /:1 is leased, but 0 times/],
  ['a lease of nothing', ['ZADD', names.leases, 1, `${C}:0`], /the lease of .* is held/],
  ['a delayed tile missing', ['ZREM', names.delayed, `${A}:2`], /:2 is delayed, but 0 times/],
  ['a delayed tile of nothing', ['ZADD', names.delayed, 1, `${C}:0`], /is to be retried/],
  ['a dead letter missing', ['ZREM', names.dead, `${B}:0`], /:0 is dead, but 0 times/],
  ['a dead letter that lives', ['ZADD', names.dead, 1, `${A}:3`], /1 times among the dead/],
  ['a dead letter of nothing', ['ZADD', names.dead, 1, `${C}:0`], /is a dead letter/],
  ['a dead image that lives', ['ZADD', names.dead, 1, A], /a dead letter if and only if its event/],
  ['a dead image that is over', ['ZADD', names.dead, 1, C], /is over and no dead letter/],
  ['a dead image of nothing', ['ZADD', names.dead, 1, 'e'.repeat(24)], /is a dead letter/],
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
  ['a reason of a tile that lives', ['HSET', a.dead, 0, 'x'], /known why .*:0 was given up/],
  ['a reason unknown', ['HDEL', b.dead, 0], /known why .*:0 was given up/],
  ['an image in the outbox too early', ['ZADD', names.outbox, 1, A], /in the outbox if and only if/],
  ['an image unknown in the outbox', ['ZADD', names.outbox, 1, 'e'.repeat(24)], /in the outbox, exists/],
  ['an image that is over in the outbox', ['ZADD', names.outbox, 1, C], /out of the outbox/],
  ['memory of a live image not counted', ['HDEL', names.admitted, A], /holds memory and is admitted/],
  ['a total that is not the sum', ['HINCRBY', names.totals, 'admitted', 1], /total of all shares is 303584/],
  [
    'a total that is not the sum for a client',
    ['HINCRBY', names.clients, 'ann', 1],
    /images of ann hold 100000 bytes/,
  ],
  ['a total of a client without images', ['HSET', names.clients, 'ben', 5], /images of ben hold 0 bytes/],
  [
    'a sender of nothing',
    ['HSET', names.senders, 'e'.repeat(24), 'ann'],
    /which counts for ann, holds memory/,
  ],
  ['a record that counts for nobody', ['HDEL', names.admitted, C], /whose record is kept, holds memory/],
  ['a record that cannot give way', ['ZREM', names.records, C], /the record of .* can give way/],
  ['a record that gives way too early', ['ZADD', names.records, 1, A], /the record of .* does not give way/],
  ['a record that its sender misses', ['HSET', names.senders, C, 'ann'], /its sender has the record/],
  [
    'a record that another client has',
    ['ZADD', `${names.records}:ann`, 1, C],
    /ann has the record of .* if it sent it/,
  ],
  [
    'a record of a client that is gone',
    ['ZADD', `${names.records}:ann`, 1, 'e'.repeat(24)],
    /a client's record, is kept/,
  ],
  [
    'memory of an image that is over',
    ['HSET', names.admitted, C, 1],
    /is over and holds the memory of its record/,
  ],
  ['a state too early', ['HSET', a.meta, 'state', 'blurred'], /is blurred if and only if/],
  ['a failure without a dead tile', ['HSET', a.meta, 'state', 'failed'], /has failed if and only if/],
  ['a split that is over', ['HSET', a.meta, 'state', 'splitting'], /is blurring, not splitting/],
  ['something live that expires', ['EXPIRE', a.src(3), 100], /stays, but not src:3/],
  ['something settled that stays', ['ZREM', names.sweeps, B], /swept some time if and only if/],
  ['something live that is swept', ['ZADD', names.sweeps, 1, A], /swept some time if and only if/],
  ['a sweep of no image', ['ZADD', names.sweeps, 0, 'e'.repeat(24)], /to be swept, exists/],
  ['a split that has all its tiles', ['ZADD', names.splits, 1, A], /being split if and only if/],
  ['a split of an image that is over', ['ZADD', names.splits, 1, C], /being split, lives/],
  ['a record that is over and stays', ['PERSIST', c.meta], /the record of .* expires/],
  ['an image that is over and has a life', ['HSET', c.meta, 'life', 9], /is over and has no life/],
  ['bytes of an image that is over', ['SET', c.src(0), 'x', 'EX', 100], /only the record .* is left/],
  ['memory of an image that is gone', ['HSET', names.admitted, 'e'.repeat(24), 1], /holds memory, exists/],
  [
    'stale entries not counted',
    ['LPUSH', names.queue, ...Array<string>(3).fill(`${C}:0:2`)],
    /at most 1 entries of the list are stale, not 3/,
  ],
  ['a tidied part of a list not tidied', ['LPUSH', names.tidied, `${A}:3:4`], /only while it is tidied/],
  ['a swept image that is not on its way', ['ZREM', names.sweeps, D], /is swept at once/],
  ['tiles of a swept image', ['HSET', d.tiles, 0, 'ready'], /nobody finds the tiles/],
  ['bytes of a tile that was swept', ['SET', d.src(1), 'x'], /is freed, but not src 1/],
];

describe('the check of the invariants', () => {
  test('finds nothing broken in a queue with tiles in every state', async () => {
    await setUp(on.rig);
    expect(brokenInvariants(await on.rig.look())).toEqual([]);
  });

  test.each(breaks)('finds %s', async (_, [command, ...args], said) => {
    await setUp(on.rig);
    await on.rig.redis.call(String(command), ...args);
    expect(brokenInvariants(await on.rig.look())).toContainEqual(expect.stringMatching(said));
  });
});
