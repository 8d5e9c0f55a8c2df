// JPEGs at a running split: it stays answerable while it decodes, and a refused one leaves nothing.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import sharp from 'sharp';
import { photo } from '../../functions/testing/photo.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keysLeft } from '../support/keys-left.ts';

const [width, height] = [3000, 2000];

let server: RedisServer;
let redis: Redis;
let progressive: Buffer<ArrayBuffer>;
const started: FunctionProcess[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  const image = sharp(photo(width, height).data, { raw: { width, height, channels: 3 } });
  const options = { quality: 95, progressive: true, chromaSubsampling: '4:4:4' };
  progressive = Buffer.from(await image.jpeg(options).toBuffer());
});

beforeEach(async () => {
  await redis.flushall();
});

afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
  redis.disconnect();
  await server.stop();
});

async function startSplit(settings: Record<string, string> = {}): Promise<string> {
  const env = { REDIS_URL: server.url, STORE: 'redis', LOG_LEVEL: 'silent', ...settings };
  const split = new FunctionProcess('split', { env });
  started.push(split);
  return split.healthy();
}

async function post(
  url: string,
  body: Buffer<ArrayBuffer>,
): Promise<{ status: number; code?: string; id?: string }> {
  const response = await fetch(url, { method: 'POST', body });
  const answer = (await response.json()) as { code?: string; id?: string };
  return { ...answer, status: response.status };
}

it('answers probes while it decodes', async () => {
  const url = await startSplit();
  const answered = new AbortController();
  const posting = post(url, progressive).finally(() => answered.abort());
  let probes = 0;
  for (; !answered.signal.aborted; probes++) {
    const probe = await fetch(`${url}/health/live`);
    expect(probe.status).toBe(200);
    await probe.arrayBuffer();
  }
  expect(await posting).toMatchObject({ status: 202 });
  // With the decoder in the same thread it was one or two.
  expect(probes).toBeGreaterThan(20);
});

it('takes several at once', async () => {
  const url = await startSplit();
  const small = Buffer.from(await sharp(progressive).resize(600).jpeg().toBuffer());
  const names = ['a', 'b', 'c', 'd', 'e'];
  const answers = await Promise.all(names.map((name) => post(`${url}/?name=${name}.jpg`, small)));
  expect(answers.map(({ status }) => status)).toEqual(names.map(() => 202));
});

it.each([
  ['takes too long', { DECODE_TIMEOUT_MS: '1' }, /longer than 1 ms/],
  ['takes too much memory', { DECODE_MEMORY_BYTES: String(20 * 1024 * 1024) }, /20971520 bytes/],
])('refuses what %s to decode, and leaves nothing of it', async (_, settings, message) => {
  const url = await startSplit(settings);
  const refused = await post(url, progressive);
  expect(refused).toMatchObject({
    status: 413,
    code: 'image-too-large',
    detail: expect.stringMatching(message),
  });
  expect(await keysLeft(redis)).toEqual([]);
});
