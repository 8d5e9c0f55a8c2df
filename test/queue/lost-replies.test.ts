// Connections are cut at every script: before Redis has received it, after Redis has done it, and in the
// middle of either. ioredis sends commands again that got no reply. Afterwards everything in Redis must be as
// if nothing had been cut.
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { RedisProxy } from '../../chaos/redis-proxy.ts';
import type { Step } from '../../chaos/steps.ts';
import { brokenInvariants } from './invariants.ts';
import { A, B, pixels, planOf, Rig, sourceOf, useRig } from './rig.ts';

const on = useRig();

interface Case {
  step: Step;
  /** What other processes did before. */
  before?: (rig: Rig) => Promise<unknown>;
  act: (rig: Rig) => Promise<unknown>;
  /** What a caller gets that has already done it without knowing; by default the same as otherwise. */
  again?: unknown;
}

const { name: _name, tiles: _tiles, output: _output, ...grid } = planOf(2);
/** The claim that an earlier step makes. */
const held = { ...grid, job: { imageId: A, tile: 0 }, token: 'held', attempt: 1, source: null };
const claimHeld = (rig: Rig) => rig.claim(held.token);

const cases: Case[] = [
  { step: 'begin', act: (rig) => rig.begin(B), again: 'splitting' },
  {
    step: 'enqueue',
    before: (rig) => rig.begin(B),
    act: (rig) => rig.ledger.enqueue(B, 0, sourceOf(B, 0)),
    again: 'known',
  },
  { step: 'claim', act: claimHeld },
  { step: 'extend', before: claimHeld, act: (rig) => rig.queue.extend(held) },
  { step: 'ack', before: claimHeld, act: (rig) => rig.queue.ack(held, pixels('core')), again: 'again' },
  { step: 'fail', before: claimHeld, act: (rig) => rig.queue.fail(held, 'broke'), again: 'stale' },
  { step: 'release', before: claimHeld, act: (rig) => rig.queue.release(held), again: 'stale' },
  { step: 'note-fault', before: blurA, act: (rig) => rig.ledger.noteFault(A, 'the disk is full') },
  { step: 'finish', before: blurA, act: (rig) => rig.ledger.finish(A), again: 'again' },
  { step: 'cancel', before: claimHeld, act: (rig) => rig.ledger.cancel(A) },
  { step: 'forget', before: claimHeld, act: (rig) => rig.ledger.forget(A) },
  {
    step: 'requeue',
    before: (rig) => rig.killNextTile(),
    act: (rig) => rig.ledger.requeue(`${A}:0`),
    again: 'gone',
  },
  { step: 'newest', act: (rig) => rig.images.newest(1) },
];

async function blurA(rig: Rig): Promise<void> {
  for (const token of ['one', 'two']) await rig.queue.ack(await rig.claim(token), pixels('core'));
}

const faults = [
  { moment: 'request', loss: 'cut', title: 'before Redis has received it' },
  { moment: 'request', loss: 'tear', title: 'half way to Redis' },
  { moment: 'reply', loss: 'cut', title: 'after Redis has done it' },
  { moment: 'reply', loss: 'tear', title: 'in the middle of the reply' },
] as const;

describe('a connection cut', () => {
  let proxy: RedisProxy;
  let proxied: Redis;
  beforeAll(async () => {
    proxy = await RedisProxy.start(on.server.port);
    proxied = connectPatiently(proxy.url);
  });
  afterAll(async () => {
    proxied?.disconnect();
    await proxy?.close();
  });
  // A random pause would differ from run to run.
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => vi.restoreAllMocks());

  /** Returns the answer of `act`, and everything in Redis afterwards, done over `redis`. */
  async function outcomeOf({ before, act }: Case, redis: Redis) {
    await on.rig.reset();
    await on.rig.split(A, 2);
    await before?.(on.rig);
    const rig = new Rig(redis);
    rig.now = on.rig.now;
    return { answer: await act(rig), snapshot: await on.rig.look() };
  }

  describe.each(faults)('$title', ({ moment, loss }) => {
    test.each(cases)('has one effect: $step', async (each) => {
      const undisturbed = await outcomeOf(each, on.rig.redis);
      const isDone = ({ answer }: { answer: string }) => !answer.includes('NOSCRIPT');
      const stopped = proxy.hold({ step: each.step, moment, where: isDone });
      const cutting = stopped.then((passage) => passage[loss]());
      const disturbed = await outcomeOf(each, proxied);
      await cutting;
      expect(disturbed.snapshot).toEqual(undisturbed.snapshot);
      expect(brokenInvariants(disturbed.snapshot)).toEqual([]);
      const isHeardTwice = moment === 'reply' && 'again' in each;
      expect(disturbed.answer).toEqual(isHeardTwice ? each.again : undisturbed.answer);
    });
  });

  test('after Redis has done it, due returns the event at its next time', async () => {
    await on.rig.blur(A);
    const rig = new Rig(proxied);
    const stopped = proxy.hold({ step: 'due', moment: 'reply', where: ({ answer }) => answer.startsWith(A) });
    void stopped.then((passage) => passage.cut());
    expect(await rig.due(1000)).toBeNull();
    rig.now += 1000;
    expect(await rig.due(1000)).toBe(A);
  });
});

describe('connections killed repeatedly', () => {
  const tiles = Array.from({ length: 60 }, (_, tile) => tile);

  test('while an image is split and blurred cost no attempt and leave nothing behind', async () => {
    const redis = connectPatiently(on.server.url);
    const rig = new Rig(redis);
    const kills: Promise<unknown>[] = [];
    const kill = () => kills.push(on.rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal'));
    try {
      await rig.begin(A, { tiles: tiles.length });
      const enqueued = tiles.map((tile) => {
        if (tile % 20 === 10) kill();
        return rig.ledger.enqueue(A, tile, sourceOf(A, tile));
      });
      await Promise.all(enqueued);
      const workers = Array.from({ length: 8 }, async () => {
        for (let claim = await rig.queue.claim(); claim; claim = await rig.queue.claim()) {
          const acked = rig.queue.ack(claim, pixels(`core ${claim.job.tile}`));
          if (claim.job.tile % 5 === 0) kill();
          await acked;
        }
      });
      await Promise.all(workers);
    } finally {
      redis.disconnect();
    }
    const killed = (await Promise.all(kills)).filter((count) => Number(count) > 0);
    expect(killed.length).toBeGreaterThan(1);
    const record = { state: 'blurred', done: tiles.length, attempts: tiles.length, reclaims: 0, fenced: 0 };
    expect(await on.rig.images.record(A)).toMatchObject(record);
    const snapshot = await on.rig.look();
    expect(brokenInvariants(snapshot)).toEqual([]);
    expect(snapshot.byImage[A].out).toEqual(Object.fromEntries(tiles.map((tile) => [tile, `core ${tile}`])));
  });
});

/** A worker's connection: it waits for Redis and resends commands that got no reply. */
function connectPatiently(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 5 });
  redis.on('error', () => {}); // These tests cut connections.
  return redis;
}
