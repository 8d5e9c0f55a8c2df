// During an upgrade or a rollback the functions of two releases work on one queue: pods of both take tiles, and each step of
// an image may be made by either. The last release's code is in last-release/.
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blurredImageId, imageBlurredMessage } from '../../functions/lib/events.ts';
import { ImageLedger } from '../../functions/lib/queue/image-ledger.ts';
import { ImageReader } from '../../functions/lib/queue/image-reader.ts';
import type { ImagePlan } from '../../functions/lib/queue/image-record.ts';
import { imageKeys } from '../../functions/lib/queue/keys.ts';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import type { Claim } from '../../functions/lib/queue/tile-queue.ts';
import { tileCount, tileGrid } from '../../functions/lib/image/tile-grid.ts';
import { randomFrom } from '../../functions/testing/random.ts';
import * as lastRelease from './last-release/queue.js';
import { A, B, BUDGET_BYTES, C, pixels, planOf, POLICY, PREFIX, Rig, sourceOf, useRig } from './rig.ts';
import { recordKeys } from '../support/keys-left.ts';

const HISTORIES = 40;
const STEPS = 60;
const IMAGES = [A, B, C];
/** Enough that no tile is given up. */
const policy = { ...POLICY, maxAttempts: 1000, keyPrefix: PREFIX };

const on = useRig();
/** Scripts are defined on a connection by their names, so each release needs one. */
let lastRedis: Redis;
beforeAll(() => {
  lastRedis = on.server.connect();
});
afterAll(() => lastRedis.disconnect());

/** One release's side of the queue. */
interface Release {
  queue: LeaseQueue;
  ledger: ImageLedger;
  images: Pick<ImageReader, 'record' | 'cores'>;
  /** What its split knows of an image. */
  plan: (tiles: number) => ImagePlan;
}

interface Held {
  by: Release;
  claim: Claim;
}

/** Both releases, and what happens to images between them. */
class MixedPipeline {
  #releases: Release[];
  readonly #random: () => number;
  #held: Held[] = [];

  constructor(releases: Release[], seed: number) {
    this.#releases = releases;
    this.#random = randomFrom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  get #any(): Release {
    return this.#releases[this.below(this.#releases.length)];
  }

  async split(id: string, tiles: number): Promise<void> {
    const { ledger, plan } = this.#any;
    await ledger.begin(id, plan(tiles), { bytes: 100, budgetBytes: BUDGET_BYTES });
    for (let tile = 0; tile < tiles; tile++) await this.#any.ledger.enqueue(id, tile, sourceOf(id, tile));
  }

  /** Does one thing that a worker or assemble may do, or lets time pass. */
  async step(): Promise<void> {
    const steps = [
      () => this.claim(),
      () => this.claim(),
      () => this.handIn('ack'),
      () => this.handIn('ack'),
      () => this.handIn('release'),
      () => this.handIn('fail'),
      () => this.extend(),
      () => this.announce(),
      async () => void (on.rig.now += this.below(1500)),
      async () => void (this.#held = this.#held.slice(1)), // Killed.
    ];
    await steps[this.below(steps.length)]();
  }

  /** Ends the upgrade, or rolls it back: the pods of one release are killed. The others work until nothing is left to do. */
  async drain(isDone: () => Promise<boolean>): Promise<void> {
    this.#releases = [this.#any];
    this.#held = [];
    for (let tries = 0; tries < 200 && !(await isDone()); tries++) {
      on.rig.now += 2000;
      await this.claim();
      await this.handIn('ack');
      await this.announce();
    }
  }

  async claim(): Promise<void> {
    const by = this.#any;
    const claim = await by.queue.claim();
    if (!claim) return;
    const { job, source } = claim;
    expect(source && Buffer.from(source).toString()).toBe(
      Buffer.from(sourceOf(job.imageId, job.tile)).toString(),
    );
    // Release 0.2 has no other filter than blur.
    const { recipe, kernelSize } = claim as Claim & { kernelSize?: number };
    expect(recipe ?? String(kernelSize)).toBe('15');
    this.#held.push({ by, claim });
  }

  async handIn(how: 'ack' | 'release' | 'fail'): Promise<void> {
    const [held] = this.#held.splice(this.below(this.#held.length), 1);
    if (!held) return;
    const { by, claim } = held;
    const { imageId, tile } = claim.job;
    if (how === 'ack') await by.queue.ack(claim, coreOf(imageId, tile));
    else if (how === 'fail') await by.queue.fail(claim, 'a fault');
    else await by.queue.release(claim);
  }

  async extend(): Promise<void> {
    const held = this.#held[this.below(this.#held.length)];
    await held?.by.queue.extend(held.claim);
  }

  /** A worker announces an image, assemble reads its tiles and closes it. */
  async announce(): Promise<void> {
    const due = await this.#any.ledger.due(1000, 1000);
    if (!due || this.below(3) === 0) return; // The event got lost.
    const { ledger, images } = this.#any;
    const record = await images.record(due.imageId);
    if (record?.state !== 'blurred') return;
    const tiles = Array.from({ length: record.tiles }, (_, tile) => tile);
    const cores = await images.cores(record.id, tiles);
    expect(cores.map((core) => core && Buffer.from(core).toString())).toEqual(
      tiles.map((tile) => Buffer.from(coreOf(record.id, tile)).toString()),
    );
    await ledger.finish(record.id);
  }
}

const coreOf = (id: string, tile: number): Uint8Array => pixels(`core of ${id}:${tile}`);

/** Release 0.2 knows the size of the kernel only. */
function lastPlan(tiles: number): ImagePlan {
  const { recipe, trace: _trace, ...plan } = planOf(tiles);
  return { ...plan, kernelSize: Number(recipe) } as unknown as ImagePlan;
}

/** The ledger of the last release also reads. */
function readerOf(lastLedger: object): ImageReader {
  return lastLedger as ImageReader;
}

function bothReleases(): [Release, Release] {
  const { redis } = on.rig;
  const clock = () => on.rig.now;
  const ledger = { keyPrefix: PREFIX, recordTtlS: policy.recordTtlS };
  const lastLedger = new lastRelease.ImageLedger(lastRedis, ledger, clock);
  return [
    {
      queue: new LeaseQueue(redis, policy, clock),
      ledger: new ImageLedger(redis, ledger, clock),
      images: new ImageReader(redis, PREFIX),
      plan: planOf,
    },
    {
      queue: new lastRelease.LeaseQueue(lastRedis, policy, clock),
      ledger: lastLedger,
      images: readerOf(lastLedger),
      plan: lastPlan,
    },
  ];
}

test(
  'the workers of two releases on one queue lose no tile and mix up none',
  { timeout: 60_000 },
  async () => {
    const releases = bothReleases();
    for (let seed = 1; seed <= HISTORIES; seed++) {
      await on.rig.reset();
      const pipeline = new MixedPipeline(releases, seed);
      for (const id of IMAGES) {
        await pipeline.split(id, 1 + pipeline.below(5));
        for (let step = 0; step < STEPS / IMAGES.length; step++) await pipeline.step();
      }
      const states = () =>
        Promise.all(IMAGES.map((id) => on.rig.redis.hget(imageKeys(PREFIX, id).meta, 'state')));
      await pipeline.drain(async () => (await states()).every((state) => state === 'done'));
      expect(await states(), `seed ${seed}`).toEqual(['done', 'done', 'done']);
      await on.rig.sweep();
      // The last release counts no records.
      const allowed = new Set(recordKeys([]));
      const left = (await on.rig.keys()).filter((key) => !key.endsWith(':meta') && !allowed.has(key));
      expect(left, `seed ${seed}`).toEqual([]);
    }
  },
);

test('each release understands the events of the other', () => {
  for (const [sender, reader] of [
    [imageBlurredMessage, lastRelease.blurredImageId],
    [lastRelease.imageBlurredMessage, blurredImageId],
  ] as const) {
    const { headers, body } = sender(A);
    expect(reader(headers, body)).toBe(A);
  }
});

test('workers of the last release leave notices alone, and do not lose them when they end what a notice is about', async () => {
  const ledger = { keyPrefix: PREFIX, recordTtlS: policy.recordTtlS };
  const clock = () => on.rig.now;
  const silent = new lastRelease.ImageLedger(lastRedis, ledger, clock);
  const worker = new lastRelease.LeaseQueue(lastRedis, policy, clock);
  const telling = new Rig(on.rig.redis, { doneSink: 'http://receiver.example' });
  await telling.blur(A);
  await telling.ledger.finish(A);
  for (let tries = 0; tries < 5; tries++) {
    on.rig.now += 60_000;
    expect(await silent.due(1000, 1)).toBeNull();
    expect(await worker.claim()).toBeNull();
    await silent.begin(A, lastPlan(1), { bytes: 100, budgetBytes: BUDGET_BYTES }, { again: true });
    await silent.forget(A);
  }
  expect(await telling.notices.next(1000, 9)).toMatchObject({ image: { id: A, state: 'done' } });
});

test('the last release fails at an image with a JPEG result, instead of writing a PNG under its name', async () => {
  const { tileSizePx, ...plan } = planOf(2);
  const admission = { bytes: 100, budgetBytes: BUDGET_BYTES };
  await on.rig.ledger.begin(A, { ...plan, tileSizePx, format: 'jpeg:85' }, admission);
  for (const tile of [0, 1]) await on.rig.ledger.enqueue(A, tile, sourceOf(A, tile));
  const last = {
    queue: new lastRelease.LeaseQueue(lastRedis, policy, () => on.rig.now),
    images: readerOf(new lastRelease.ImageLedger(lastRedis, policy, () => on.rig.now)),
  };
  // Neither its workers nor its assemble can compute where a tile is.
  expect((await last.queue.claim())?.tileSizePx).toBe(0);
  const record = await last.images.record(A);
  expect(record?.tileSizePx).toBe(0);
  const { width, height } = record ?? plan;
  expect(() => Array.from({ length: tileCount(tileGrid(width, height, 0)) })).toThrow(RangeError);
  // This release knows it.
  expect(await on.rig.claim()).toMatchObject({ tileSizePx });
  expect(await on.rig.images.record(A)).toMatchObject({ tileSizePx, format: 'jpeg:85' });
});
