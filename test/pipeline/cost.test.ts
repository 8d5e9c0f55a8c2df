// What one caller may cost: a few bytes may not ask for a lot of work.
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { headerChunk, pngChunk, pngSignature } from '../../functions/testing/drawn-png.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keysLeft } from '../support/keys-left.ts';

let server: RedisServer;
let redis: Redis;
let split: FunctionProcess;
let url: string;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  split = new FunctionProcess('split', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent' } });
  url = await split.healthy();
});

afterAll(async () => {
  await split.stop();
  redis.disconnect();
  await server.stop();
});

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
