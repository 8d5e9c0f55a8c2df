// A caller that sends an upload and closes the connection: its bytes stay in memory while split works on them, so they keep
// their place.
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

let server: RedisServer;
let redis: Redis;
let split: FunctionProcess;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
  split = new FunctionProcess('split', { env: { REDIS_URL: server.url, MAX_UPLOADS: '1' } });
  await split.healthy();
});

afterAll(async () => {
  await split.stop();
  redis.disconnect();
  await server.stop();
});

it('keeps its place until split is done with the upload', async () => {
  const url = await split.ready();
  const raw = { width: 800, height: 600, channels: 3 as const };
  const noise = randomFillSync(Buffer.alloc(raw.width * raw.height * raw.channels));
  const body = Buffer.from(await sharp(noise, { raw }).png().toBuffer());
  // Its place is looked for without Redis, which is asked first for an image.
  const json = { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } };
  const status = async () => (await fetch(url, json)).status;
  expect(await status()).toBe(400);

  await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`POST /?name=hung-up.png HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.end(body);
  await once(socket.resume(), 'close');
  expect(await status()).toBe(429);

  await redis.call('CLIENT', 'UNPAUSE');
  await until('the place to be free', async () => (await status()) === 400);
});
