// Hundreds of tiny images, which need memory mostly for their records. Redis has little memory, and never reaches its limit.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { Pipeline } from '../../local/pipeline.ts';

const IMAGES = 500;
const SENDERS = 12;
/** The records of all images together would need more than twice the budget, and more than Redis has. */
const BUDGET = 500_000;
const MAX_MEMORY = 2_800_000;

let folder: string;
let pipeline: Pipeline;
let png: Buffer<ArrayBuffer>;
const faults: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-tiny-'));
  pipeline = await Pipeline.start({
    env: { OUTPUT_PATH: folder, REDIS_BUDGET_BYTES: String(BUDGET), LOG_LEVEL: 'warn' },
    redis: { settings: { maxmemory: String(MAX_MEMORY) } },
    maxWorkers: 1,
    cooldownMs: 30_000,
    onLog: (name, line) => faults.push(`${name}: ${line}`),
  });
  png = await toPng(picture(1, 1), 3);
});
afterAll(async () => {
  await pipeline?.stop();
  await rm(folder, { recursive: true });
});

/** A name of 250 bytes, so that the record is as large as it gets. */
const nameOf = (at: number) => `${at}-`.padEnd(245, 'n') + '.png';

const send = (at: number) =>
  fetch(`${pipeline.splitUrl}/?name=${nameOf(at)}&kernel=1`, { method: 'POST', body: png });

/** Sends an image until it is accepted, as often as the answers say. Returns how often it was refused. */
async function sendPatiently(at: number): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    const response = await send(at);
    await response.arrayBuffer();
    if (response.status === 202) return refusals;
    expect(response.status).toBe(429);
    await sleep(Number(response.headers.get('retry-after')) * 1000);
  }
}

async function usedBytes(): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await pipeline.redis.info('memory'))?.[1]);
}

it('never fill Redis: all accepted images are done, and refused clients learn when to retry', async () => {
  await sendPatiently(0);
  await until('the first to be done', async () => (await pipeline.pending()) === 0);
  const itself = await usedBytes(); // Scripts and the like.
  let next = 1;
  let mostBytes = 0;
  const senders = Array.from({ length: SENDERS }, async () => {
    while (next < IMAGES) {
      await sendPatiently(next++);
      mostBytes = Math.max(mostBytes, (await usedBytes()) - itself);
    }
  });
  await Promise.all(senders);
  await until('nothing to be in progress', async () => (await pipeline.pending()) === 0);
  await until('every output', async () => (await readdir(folder)).length === IMAGES);
  expect(mostBytes).toBeLessThan(BUDGET);
  expect(Number(await pipeline.redis.hget('image:totals', 'admitted'))).toBeLessThanOrEqual(BUDGET);
  expect(faults).toEqual([]);
}, 180_000);

it('that are refused for lack of room are accepted when they retry at the given time', async () => {
  let at = IMAGES;
  const refused = Promise.withResolvers<{ at: number; waitS: number }>();
  let isFull = false;
  const senders = Array.from({ length: 100 }, async () => {
    while (!isFull) {
      const mine = at++;
      const response = await send(mine);
      await response.arrayBuffer();
      if (response.status === 202) continue;
      isFull = true;
      refused.resolve({ at: mine, waitS: Number(response.headers.get('retry-after')) });
    }
  });
  const { at: again, waitS } = await refused.promise;
  await Promise.all(senders);
  expect(waitS).toBeGreaterThan(0);
  await sleep(waitS * 1000);
  expect((await send(again)).status).toBe(202);
}, 180_000);
