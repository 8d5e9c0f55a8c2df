// With STORE=redis everything in Redis counts: uploads while they are kept, and results until they are
// removed. Old results make room for new images; a caller that finds no room is told when to retry.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller, type Status } from '../support/caller.ts';
import { keysLeft, recordKeys } from '../support/keys-left.ts';

const draw = (seed: number) => picture(300, 300, 'opaque', seed);
/** An image of 300x300 pixels holds 1.3 MB while it is in progress. Its result holds less than a fifth of that. */
const BUDGET = 3_000_000;

const env = {
  STORE: 'redis',
  TILE_SIZE: '64',
  LOG_LEVEL: 'warn',
  REDIS_BUDGET_BYTES: String(BUDGET),
  CLIENT_SHARE: '1',
};

async function admitted(redis: Redis): Promise<number> {
  const shares = await redis.hvals('image:admitted');
  return shares.reduce((sum, share) => sum + Number(share), 0);
}

describe('results in Redis', () => {
  let caller: Caller;
  let redis: Redis;
  beforeAll(async () => {
    caller = new Caller(await Pipeline.start({ env, maxWorkers: 2, cooldownMs: 30_000 }));
    redis = caller.pipeline.redis;
  });
  afterAll(() => caller.pipeline.stop());

  /** Sends a picture, again if there is no room for it, and waits until it is done. */
  async function blur(seed: number): Promise<Status> {
    const png = await toPng(draw(seed), 3);
    for (;;) {
      const response = await fetch(`${caller.pipeline.splitUrl}/?name=${seed}.png&kernel=1`, {
        method: 'POST',
        body: png,
      });
      if (response.status === 202) return caller.done(((await response.json()) as Status).id);
      expect(response.status).toBe(429);
      await sleep(Number(response.headers.get('retry-after')) * 1000);
    }
  }

  it('make room for newer ones, the oldest first, and never hold more than allowed', async () => {
    const ids: string[] = [];
    for (let seed = 1; seed <= 25; seed++) {
      ids.push((await blur(seed)).id);
      expect(await admitted(redis)).toBeLessThanOrEqual(BUDGET);
    }
    const present = await Promise.all(ids.map(async (id) => (await caller.fetchResult(id)).status === 200));
    const gone = present.lastIndexOf(false) + 1;
    expect(gone).toBeGreaterThan(0);
    expect(present).toEqual(ids.map((_, at) => at >= gone));
    expect(present.at(-1)).toBe(true);

    const response = await caller.fetchResult(ids[0]);
    expect([response.status, await response.json()]).toMatchObject([
      410,
      {
        code: 'result-gone',
        detail: expect.stringContaining('it was removed to make room for newer images') as string,
      },
    ]);
    expect(await caller.status(ids[0])).toMatchObject({ status: 'done', output: null, result: null });
    expect((await blur(1)).id).toBe(ids[0]);
    expect(Buffer.compare((await caller.result(ids[0])).data, convolve(draw(1), 1).data)).toBe(0);
  });

  it('are deleted on request, which frees their memory', async () => {
    const { id } = await blur(20);
    const before = await admitted(redis);
    for (let times = 0; times < 2; times++) {
      const response = await fetch(`${caller.pipeline.splitUrl}/images/${id}`, { method: 'DELETE' });
      expect([response.status, await response.json()]).toMatchObject([200, { id, status: 'done' }]);
    }
    expect(await redis.exists(`image:${id}:result`)).toBe(0);
    expect(await admitted(redis)).toBeLessThan(before);
    const gone = await caller.fetchResult(id);
    expect([gone.status, await gone.json()]).toMatchObject([410, { code: 'result-gone' }]);
  });

  it('leave only themselves and their records', async () => {
    await until('nothing to be in progress', async () => (await caller.pipeline.pending()) === 0);
    const client = '127.0.0.1';
    const { results: resultsKey, clientResults } = queueKeys('image');
    const ofResults = [resultsKey, `${resultsKey}:${client}`, clientResults];
    const shared = [...recordKeys([], { client }), ...ofResults].sort();
    const keys = (await keysLeft(redis)).filter((key) => !/^image:[0-9a-f]{24}:(meta|result)$/.test(key));
    expect(keys).toEqual(shared);
    const results = await redis.keys('image:*:result');
    expect((await redis.zrange('image:results', '0', '-1')).map((id) => `image:${id}:result`).sort()).toEqual(
      results.sort(),
    );
    for (const key of results) expect(await redis.ttl(key)).toBeGreaterThan(0);
  });
});

describe('a client that sends more than its share', () => {
  let caller: Caller;
  beforeAll(async () => {
    const settings = { ...env, CLIENT_SHARE: '0.6', TRUSTED_PROXIES: '1' };
    caller = new Caller(await Pipeline.start({ env: settings, maxWorkers: 1, cooldownMs: 30_000 }));
  });
  afterAll(() => caller.pipeline.stop());

  /** Sends a picture from an address as the proxy reports it, and waits until it is done. */
  async function blurFor(address: string, seed: number): Promise<string> {
    const response = await fetch(`${caller.pipeline.splitUrl}/?name=${seed}.png&kernel=1`, {
      method: 'POST',
      body: await toPng(draw(seed), 3),
      headers: { 'x-forwarded-for': address },
    });
    expect(response.status).toBe(202);
    return (await caller.done(((await response.json()) as Status).id)).id;
  }

  it('loses its own oldest results, and others keep theirs', async () => {
    const first = await blurFor('192.0.2.1', 1);
    const own: string[] = [];
    for (let seed = 2; seed <= 9; seed++) own.push(await blurFor('192.0.2.2', seed));
    const statusOf = async (id: string) => (await caller.fetchResult(id)).status;
    expect([await statusOf(own[0]), await statusOf(own[7])]).toEqual([410, 200]);
    expect(await statusOf(first)).toBe(200);
  });
});

describe('while no worker runs', () => {
  let folder: string;
  let caller: Caller;
  let redis: Redis;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tessera-room-'));
    caller = new Caller(await Pipeline.start({ env: { ...env, CONSUMER: 'off', OUTPUT_PATH: folder } }));
    redis = caller.pipeline.redis;
  });
  afterAll(async () => {
    await caller.pipeline.stop();
    await rm(folder, { recursive: true });
  });

  const remove = (id: string) => fetch(`${caller.pipeline.splitUrl}/images/${id}`, { method: 'DELETE' });

  /** Sends as many images as there is room for. */
  async function fill(): Promise<string[]> {
    const png = await toPng(draw(2), 3);
    const images = [
      await caller.post(png, 'name=a.png&kernel=3'),
      await caller.post(png, 'name=b.png&kernel=3'),
    ];
    return images.map(({ id }) => id);
  }

  it('an upload can be requested by its name, and is removed with its image', async () => {
    const { id } = await caller.post(await toPng(draw(1), 3), 'name=été.png&kernel=3');
    const [again] = await caller.postInputs('été.png', 5);
    expect(again).toMatchObject({ name: 'été.png', tiles: 25 });
    expect(again.id).not.toBe(id);
    for (const each of [id, again.id]) await remove(each);
    expect(await redis.keys('image:*upload*')).toEqual([]);
    const missing = await fetch(caller.pipeline.splitUrl, {
      method: 'POST',
      body: JSON.stringify({ input: 'été.png' }),
      headers: { 'content-type': 'application/json' },
    });
    expect(missing.status).toBe(404);
  });

  it('an upload for which there is no room is refused before its body is read', async () => {
    const ids = await fill();
    const [head] = await refusal(`POST /?name=x.png HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n`);
    expect(head).toMatch(/^HTTP\/1\.1 429 /);
    expect(Number(/^retry-after: (\d+)/im.exec(head)?.[1])).toBeGreaterThan(0);
    await Promise.all(ids.map(remove));
  });

  it('the wait grows with the time in which nothing was done', async () => {
    const ids = await fill();
    await redis.hincrby(`image:${ids[0]}:meta`, 'createdAt', -90_000);
    const response = await fetch(`${caller.pipeline.splitUrl}/?name=third.png&kernel=7`, {
      method: 'POST',
      body: await toPng(draw(3), 3),
    });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(90);
    expect(Number(response.headers.get('retry-after'))).toBeLessThan(120);
    await Promise.all(ids.map(remove));
  });

  /** Sends only the head of a request and returns what is received at once. */
  async function refusal(head: string): Promise<string[]> {
    const { hostname, port } = new URL(caller.pipeline.splitUrl);
    const socket = connect(Number(port), hostname);
    socket.write(head);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer);
      if (Buffer.concat(chunks).includes('}\n')) break;
    }
    return Buffer.concat(chunks).toString().split('\r\n\r\n');
  }
});
