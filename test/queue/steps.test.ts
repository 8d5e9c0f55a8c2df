// No step of the queue does more work for an image with more tiles, for more images or for a longer list: the
// commands that Redis runs for it are counted. So no request blocks Redis for long.
import { describe, expect, test } from 'vitest';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { scriptNames, scriptText } from '../../functions/lib/queue/script-text.ts';
import { Workers } from '../../functions/lib/queue/workers.ts';
import { recordKeys } from '../support/keys-left.ts';
import { B, C, pixels, planOf, PREFIX, useRig } from './rig.ts';
import { ScriptMeter } from './script-meter.ts';

const on = useRig();

/** A step checks at most 64 tiles or 256 entries, with a few commands each. */
const MOST_COMMANDS = 600;
const BUDGET_BYTES = 1_000_000;

const idOf = (n: number) => n.toString(16).padStart(24, '0');
const A = idOf(0);
const keys = queueKeys(PREFIX);

async function begin(id: string, tiles: number): Promise<void> {
  await on.rig.ledger.begin(id, planOf(tiles), { bytes: 1, budgetBytes: BUDGET_BYTES });
}

async function enqueue(id: string, ...tiles: number[]): Promise<void> {
  await Promise.all(tiles.map((tile) => on.rig.ledger.enqueue(id, tile, pixels('source'))));
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

/** Acks the next tile. */
async function ack(): Promise<void> {
  await on.rig.queue.ack(await on.rig.claim(), pixels('core'));
}

/** Fails the next tile until it is a dead letter. */
async function die(): Promise<void> {
  on.rig.now += 100_000;
  await on.rig.killNextTile();
}

/**
 * Does everything that can be done with an image of `tiles` tiles. Most of its tiles are not metered, because
 * that takes long.
 */
async function livesOf(tiles: number, watch: ScriptMeter['watch']): Promise<void> {
  const last = tiles - 1;
  await watch(() => begin(A, tiles));
  await enqueue(A, ...numbers(0, last));
  await watch(() => enqueue(A, last));
  await watch(() => ack());
  await watch(() => on.rig.images.knownTiles(A));
  await watch(() => on.rig.images.newest(100));
  await watch(() => on.rig.images.tileMap(A, tiles));
  // Cancelled with its tiles waiting, and started again.
  await watch(() => on.rig.ledger.cancel(A));
  await watch(() => begin(A, tiles));
  await enqueue(A, ...numbers(0, tiles));
  // Failed, requeued, failed again, and its time over.
  await watch(die);
  await watch(() => on.rig.images.deadTiles(A));
  await watch(() => on.rig.ledger.requeue(`${A}:0`));
  await watch(die);
  for (let tile = 1; tile < last; tile++) await ack();
  await watch(ack);
  on.rig.now += 1e12;
  await watch(() => on.rig.queue.claim());
  await watch(() => begin(A, tiles));
  // Blurred and finished.
  await enqueue(A, ...numbers(0, tiles));
  for (let tile = 0; tile < last; tile++) await ack();
  await watch(ack);
  await watch(() => on.rig.due(1000));
  await watch(() => on.rig.ledger.finish(A));
  // Cancelled in the middle of a split.
  await begin(B, tiles);
  await enqueue(B, ...numbers(0, last));
  await watch(() => on.rig.ledger.forget(B));
  expect(await on.rig.keys()).toEqual(recordKeys([A]));
}

describe('no step', () => {
  test('does more for an image of more tiles', { timeout: 60_000 }, async () => {
    const meter = await ScriptMeter.start(on.server);
    try {
      const most: number[] = [];
      for (const tiles of [400, 800]) {
        await on.rig.reset();
        await livesOf(tiles, (work) => meter.watch(work));
        most.push(meter.takeMost());
      }
      expect(most[0]).toBeGreaterThan(100);
      expect(most[0]).toBeLessThan(MOST_COMMANDS);
      expect(most[1]).toBe(most[0]);
    } finally {
      meter.stop();
    }
  });

  test('does more for more images', { timeout: 60_000 }, async () => {
    const meter = await ScriptMeter.start(on.server);
    try {
      const images = numbers(1, 600).map(idOf);
      await Promise.all(images.map((id) => begin(id, 2)));
      await Promise.all(images.slice(0, 300).map((id) => on.rig.dying.cancel(id)));
      await Promise.all(images.slice(0, 300).map((id) => on.rig.redis.unlink(`${PREFIX}:${id}:meta`)));
      on.rig.now += 1e12; // All others have been silent for too long.
      const refused = meter.watch(() =>
        on.rig.ledger.begin(C, planOf(2), { bytes: 1e9, budgetBytes: BUDGET_BYTES }),
      );
      expect(await refused).toBe('over-budget');
      await meter.watch(() => on.rig.images.newest(100));
      expect(meter.takeMost()).toBeLessThan(MOST_COMMANDS);
      const admitted = Object.values((await on.rig.look()).admitted);
      expect(admitted).toEqual(Array<string>(299).fill(String(RECORD_BYTES)));
    } finally {
      meter.stop();
    }
  });

  test.each([
    ['give way', 0],
    ['have expired', 1e12],
  ])('does more for more results that %s', { timeout: 60_000 }, async (_what, later) => {
    const { redis, ledger, room } = on.rig;
    const images = numbers(1, 600).map(idOf);
    await redis.zadd(keys.results, ...images.flatMap((id) => [2_000_000, id]));
    await redis.hset(keys.admitted, Object.fromEntries(images.map((id) => [id, 1000])));
    await redis.hset(keys.totals, { admitted: 1000 * images.length, results: 1000 * images.length });
    on.rig.now += later;
    const meter = await ScriptMeter.start(on.server);
    try {
      const admission = { bytes: BUDGET_BYTES, budgetBytes: BUDGET_BYTES };
      expect(await meter.watch(() => room.waitMs(admission))).toBeNull();
      expect(await meter.watch(() => ledger.begin(A, planOf(2), admission))).toBe('begun');
      expect(meter.takeMost()).toBeLessThan(MOST_COMMANDS);
      expect((await on.rig.look()).admitted).toEqual({ [A]: String(BUDGET_BYTES) });
    } finally {
      meter.stop();
    }
  });

  test.each([
    ['give way', 0],
    ['have expired', 1e12],
  ])('does more for more records that %s', { timeout: 60_000 }, async (_what, later) => {
    const images = numbers(1, 400).map(idOf);
    const client = { name: 'ann', budgetBytes: 1e9 };
    for (const id of images) {
      await on.rig.ledger.begin(id, planOf(1), { bytes: RECORD_BYTES, budgetBytes: 1e9, client });
      await on.rig.ledger.cancel(id);
    }
    on.rig.now += later;
    const meter = await ScriptMeter.start(on.server);
    try {
      const bytes = 401 * RECORD_BYTES;
      const admission = { bytes, budgetBytes: bytes, client: { ...client, budgetBytes: bytes } };
      expect(await meter.watch(() => on.rig.room.waitMs(admission))).toBeNull();
      expect(await meter.watch(() => on.rig.ledger.begin(A, planOf(2), admission))).toBe('begun');
      expect(meter.takeMost()).toBeLessThan(MOST_COMMANDS);
      expect((await on.rig.look()).admitted).toEqual({ [A]: String(bytes) });
    } finally {
      meter.stop();
    }
  });

  test('does more for more workers', { timeout: 60_000 }, async () => {
    const workers = new Workers(on.rig.redis, PREFIX, () => on.rig.now);
    const load = { uptimeMs: 0, inFlight: 0, done: 0 };
    await Promise.all(numbers(0, 600).map((n) => workers.beat(`worker ${n}`, load)));
    on.rig.now += 1e12; // All of them are forgotten.
    const meter = await ScriptMeter.start(on.server);
    try {
      await meter.watch(() => workers.beat('another', load));
      expect(meter.takeMost()).toBeLessThan(20);
    } finally {
      meter.stop();
    }
  });

  test('returns many expired leases and retries at once', { timeout: 60_000 }, async () => {
    const meter = await ScriptMeter.start(on.server);
    try {
      await begin(A, 600);
      await enqueue(A, ...numbers(0, 600));
      for (let tile = 0; tile < 600; tile++) await on.rig.claim();
      for (let claims = 0; claims < 100; claims++) {
        on.rig.now += 1000;
        await meter.watch(() => on.rig.queue.claim());
      }
      expect(meter.takeMost()).toBeLessThan(MOST_COMMANDS);
      expect(await on.rig.images.deadTiles(A)).not.toEqual([]);
    } finally {
      meter.stop();
    }
  });

  test('uses a command that takes longer for a larger key', () => {
    const slow = /'(LREM|LINSERT|LRANGE|HGETALL|HKEYS|HVALS|SMEMBERS|KEYS|SORT|ZREMRANGEBYSCORE)'/g;
    expect(scriptNames.flatMap((name) => scriptText(name).match(slow) ?? [])).toEqual([]);
  });
});
