// Limits for one caller: a few bytes must not cause a lot of work.
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { headerChunk, pngChunk, pngSignature } from '../../functions/testing/drawn-png.ts';
import type { ProblemBody } from '../../functions/lib/errors.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keysLeft } from '../support/keys-left.ts';

let server: RedisServer;
let redis: Redis;
const started: FunctionProcess[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
});

beforeEach(async () => {
  await redis.flushall();
});

afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
  redis.disconnect();
  await server.stop();
});

async function start(env: Record<string, string>): Promise<string> {
  const split = new FunctionProcess('split', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent', ...env } });
  started.push(split);
  return split.healthy();
}

/** A PNG of 1-bit pixels, all of one colour. */
function blankPng(width: number, height: number): Buffer<ArrayBuffer> {
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height);
  return Buffer.concat([
    pngSignature,
    headerChunk({ width, height, colorType: 0, bitDepth: 1 }),
    pngChunk('IDAT', deflateSync(rows, { level: 9 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('pixels in few bytes', () => {
  let url: string;
  beforeAll(async () => {
    url = await start({});
  });

  it('refuses 50 million pixels in 6 kB, and keeps nothing of them', async () => {
    const png = blankPng(10_000, 5000);
    expect(png.length).toBeLessThan(6500);
    const response = await fetch(`${url}/?kernel=255`, { method: 'POST', body: png });
    expect([response.status, await response.json()]).toMatchObject([413, { code: 'image-too-large' }]);
    expect(await keysLeft(redis)).toEqual([]);
  });

  it('takes a blank page as a scanner sends it', async () => {
    const response = await fetch(url, { method: 'POST', body: blankPng(2480, 3508) });
    expect(response.status).toBe(202);
  });
});

describe("a client's share of the budget", () => {
  const tokens = {
    alice: 'token-of-alice-012345',
    aliceToo: 'token-of-alice-newer0',
    bob: 'token-of-bob-01234567',
  };
  /** What one of the images below may hold, and what all of them together may hold. */
  const imageBytes = 69_120;
  const budget = { REDIS_BUDGET_BYTES: String(10 * imageBytes), CLIENT_SHARE: '0.3' };
  let byAddress: string;
  let byToken: string;
  let png: Buffer<ArrayBuffer>;

  beforeAll(async () => {
    png = await toPng(picture(100, 100), 3);
    byAddress = await start({ ...budget, TRUSTED_PROXIES: '1' });
    const list = `alice:${tokens.alice}, alice:${tokens.aliceToo}, bob:${tokens.bob}`;
    byToken = await start({ ...budget, AUTH_TOKEN: list });
  });

  /** Sends image number `at` from an address as the proxy reports it. No worker blurs it. */
  const sendFrom = (forwarded: string, at: number) =>
    fetch(`${byAddress}/?name=${at}.png`, {
      method: 'POST',
      body: png,
      headers: { 'x-forwarded-for': forwarded },
    });

  const sendWith = (who: keyof typeof tokens, at: number) =>
    fetch(`${byToken}/?name=${at}.png`, {
      method: 'POST',
      body: png,
      headers: { authorization: `Bearer ${tokens[who]}` },
    });

  /** Sends images until one is refused. Returns how many were accepted, and the refusal. */
  async function fill(
    send: (at: number) => Promise<Response>,
  ): Promise<{ taken: number; refusal: Response }> {
    for (let taken = 0; taken < 30; taken++) {
      const response = await send(taken);
      if (response.status !== 202) return { taken, refusal: response };
    }
    throw new Error('Nothing was refused');
  }

  it('is the limit for one client, while others still get theirs', async () => {
    const first = await fill((at) => sendFrom('192.0.2.1', at));
    expect(first.taken).toBeGreaterThan(0);
    expect([first.refusal.status, await first.refusal.json()]).toMatchObject([429, { code: 'over-share' }]);
    expect(Number(first.refusal.headers.get('retry-after'))).toBeGreaterThan(0);
    const second = await fill((at) => sendFrom('192.0.2.2', 100 + at));
    expect(second.taken).toBe(first.taken);
  });

  it('is free again when its images are over', async () => {
    const { taken } = await fill((at) => sendFrom('192.0.2.1', at));
    const again = await sendFrom('192.0.2.1', 0);
    const { id } = (await again.json()) as { id: string };
    await fetch(`${byAddress}/images/${id}`, { method: 'DELETE' });
    expect((await sendFrom('192.0.2.1', taken)).status).toBe(202);
    expect((await sendFrom('192.0.2.1', taken + 1)).status).toBe(429);
  });

  it('cannot be used twice with a made-up address', async () => {
    const { taken } = await fill((at) => sendFrom('192.0.2.1', at));
    expect((await sendFrom('203.0.113.9, 192.0.2.1', taken)).status).toBe(429);
  });

  it('is one for a whole IPv6 network', async () => {
    const { taken } = await fill((at) => sendFrom('2001:db8::1', at));
    expect((await sendFrom('2001:db8::2', taken)).status).toBe(429);
    expect((await sendFrom('2001:db8:0:1::1', taken)).status).toBe(202);
  });

  it('is shared by all tokens of a name, wherever they are used', async () => {
    const { taken } = await fill((at) => sendWith('alice', at));
    expect((await sendWith('aliceToo', taken)).status).toBe(429);
    expect((await sendWith('bob', taken)).status).toBe(202);
  });

  it('is the limit for a single image, and the refusal names both settings', async () => {
    const large = await toPng(picture(250, 200), 3);
    const response = await fetch(byAddress, { method: 'POST', body: large });
    const { code, detail } = (await response.json()) as ProblemBody;
    expect([response.status, code]).toEqual([413, 'image-too-large']);
    expect(detail).toContain(
      'One caller may have 207360: CLIENT_SHARE (0.3) of REDIS_BUDGET_BYTES (691200).',
    );
  });
});
