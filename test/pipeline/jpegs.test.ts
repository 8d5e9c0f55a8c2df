// JPEGs sent to a running split: it answers other requests while it decodes, and a refused JPEG leaves
// nothing behind.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import sharp from 'sharp';
import { photo } from '../../functions/testing/photo.ts';
import { withScans } from '../../functions/testing/repeated-scans.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keysLeft } from '../support/keys-left.ts';

const [width, height] = [2000, 1500];

let server: RedisServer;
let redis: Redis;
let progressive: Buffer<ArrayBuffer>;
const started: FunctionProcess[] = [];
/** A split with the default settings, and one whose largest picture has 2000x1000 pixels. */
let url: string;
let small: string;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  const image = sharp(photo(width, height).data, { raw: { width, height, channels: 3 } });
  const options = { quality: 95, progressive: true, chromaSubsampling: '4:4:4' };
  progressive = Buffer.from(await image.jpeg(options).toBuffer());
  [url, small] = await Promise.all([startSplit(), startSplit({ MAX_PIXELS: '2000000' })]);
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
  headers: Record<string, string> = {},
): Promise<{ status: number; code?: string; id?: string }> {
  const response = await fetch(url, { method: 'POST', body, headers });
  const answer = (await response.json()) as { code?: string; id?: string };
  return { ...answer, status: response.status };
}

it('answers probes while it decodes', async () => {
  const answered = new AbortController();
  const posting = post(url, progressive).finally(() => answered.abort());
  let probes = 0;
  for (; !answered.signal.aborted; probes++) {
    const probe = await fetch(`${url}/health/live`);
    expect(probe.status).toBe(200);
    await probe.arrayBuffer();
  }
  expect(await posting).toMatchObject({ status: 202 });
  // With the decoder in the same thread it would be one or two.
  expect(probes).toBeGreaterThan(20);
});

it('accepts several at once', async () => {
  const small = Buffer.from(await sharp(progressive).resize(600).jpeg().toBuffer());
  const names = ['a', 'b', 'c', 'd', 'e'];
  const answers = await Promise.all(names.map((name) => post(`${url}/?name=${name}.jpg`, small)));
  expect(answers.map(({ status }) => status)).toEqual(names.map(() => 202));
});

it.each([
  ['takes too long', { DECODE_TIMEOUT_MS: '1' }, /longer than 1 ms/],
  ['takes too much memory', { DECODE_MEMORY_BYTES: String(16 * 1024 * 1024) }, /16777216 bytes/],
])('refuses what %s to decode, and leaves nothing of it', async (_, settings, message) => {
  const refused = await post(await startSplit(settings), progressive);
  expect(refused).toMatchObject({
    status: 413,
    code: 'image-too-large',
    detail: expect.stringMatching(message),
  });
  expect(await keysLeft(redis)).toEqual([]);
});

/** Returns a picture of one colour: scans can be added that change nothing in it. */
async function flatJpeg(widthPx: number, heightPx: number, scans: number): Promise<Buffer<ArrayBuffer>> {
  const grey = sharp({ create: { width: widthPx, height: heightPx, channels: 3, background: '#444' } });
  return withScans(await grey.greyscale().jpeg({ progressive: true }).toBuffer(), scans);
}

it('refuses a picture that would need many passes over many pixels, and leaves nothing of it', async () => {
  const refused = await post(small, await flatJpeg(2000, 1000, 100));
  expect(refused).toMatchObject({
    status: 413,
    code: 'image-too-large',
    detail: expect.stringContaining('100 scans; one of this size may have 20'),
  });
  expect(await keysLeft(redis)).toEqual([]);
});

it('accepts the largest picture with twenty scans, and a smaller one with more', async () => {
  const largest = await flatJpeg(2000, 1000, 20);
  expect(await post(`${small}/?name=largest.jpg`, largest)).toMatchObject({ status: 202 });
  expect(await post(`${small}/?name=beyond.jpg`, await flatJpeg(2000, 1000, 21))).toMatchObject({
    status: 413,
  });
  expect(await post(`${small}/?name=small.jpg`, await flatJpeg(500, 500, 100))).toMatchObject({
    status: 202,
  });
});

it('lets no client wait for everything that another client sends', async () => {
  const tokens = { greedy: 'token-of-greedy-01', other: 'token-of-other-012' };
  const guarded = await startSplit({ AUTH_TOKEN: `greedy:${tokens.greedy}, other:${tokens.other}` });
  let answered = 0;
  const sent = [1, 2, 3, 4, 5].map(async (n) => {
    const headers = { authorization: `Bearer ${tokens.greedy}` };
    const answer = await post(`${guarded}/?name=${n}.jpg`, progressive, headers);
    answered++;
    return answer.status;
  });
  const headers = { authorization: `Bearer ${tokens.other}` };
  expect(await post(`${guarded}/?name=mine.jpg`, progressive, headers)).toMatchObject({ status: 202 });
  expect(answered).toBeLessThan(3);
  expect(await Promise.all(sent)).toEqual(sent.map(() => 202));
});
