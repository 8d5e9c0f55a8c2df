import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { keysLeft } from '../support/keys-left.ts';

let server: RedisServer;
let redis: Redis;
let split: FunctionProcess;
let url: string;
let folder: string;
let inputs: string;
let good: Buffer<ArrayBuffer>;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  folder = await mkdtemp(join(tmpdir(), 'tessera-bad-input-'));
  inputs = join(folder, 'in');
  await mkdir(inputs);
  good = await toPng(picture(90, 70), 3);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  await redis.flushall();
});

async function startSplit(store: string): Promise<void> {
  split = new FunctionProcess('split', {
    env: {
      REDIS_URL: server.url,
      STORE: store,
      INPUT_PATH: inputs,
      OUTPUT_PATH: join(folder, 'out'),
      MAX_PIXELS: '1000000',
      MAX_BODY_BYTES: '300000',
      REDIS_BUDGET_BYTES: '3000000',
      CLIENT_SHARE: '1', // These tests are one client.
      LOG_LEVEL: 'silent',
    },
  });
  url = await split.healthy();
}

/** Returns what is in Redis except counters, and in the folders. */
async function leftovers(): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return [...(await keysLeft(redis)), ...files.filter((file) => file !== 'in')];
}

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  path = '/',
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}${path}`, { method: 'POST', body, headers });
}

/** Returns a PNG header for an image of the given size, with almost no data after it. */
function pngClaiming(width: number, height: number): Buffer<ArrayBuffer> {
  const png = Buffer.from(good);
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** Sends a request by hand and returns its status, because fetch refuses to send some of these. */
function raw(options: {
  path?: string;
  headers?: Record<string, string | number>;
  chunks: Buffer[];
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${options.path ?? '/'}`,
      { method: 'POST', headers: options.headers ?? {} },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('error', reject);
    for (const chunk of options.chunks) sent.write(chunk);
    sent.end();
  });
}

describe.each(['file', 'redis'])('split with STORE=%s', (store) => {
  beforeAll(() => startSplit(store));
  afterAll(() => split.stop());

  describe('refuses', () => {
    const cases: [what: string, send: () => Promise<Response>, status: number, code: string][] = [
      ['text', () => post('hello'), 415, 'unsupported-image'],
      ['a GIF', () => post(Buffer.from('GIF89a\x01\x00\x01\x00')), 415, 'unsupported-image'],
      [
        'an image type without a body',
        () => post('', '/', { 'content-type': 'image/png' }),
        400,
        'invalid-request',
      ],
      ['a PNG signature alone', () => post(good.subarray(0, 8)), 422, 'invalid-image'],
      ['a truncated header', () => post(good.subarray(0, 20)), 422, 'invalid-image'],
      ['a truncated PNG', () => post(good.subarray(0, good.length >> 1)), 422, 'invalid-image'],
      ['a side longer than allowed', () => post(pngClaiming(65_536, 1)), 413, 'image-too-large'],
      ['a PNG without its last pixels', () => post(good.subarray(0, good.length - 30)), 422, 'invalid-image'],
      ['a PNG with a flipped bit', () => post(flipped(good, good.length >> 1)), 422, 'invalid-image'],
      ['a truncated JPEG', () => post(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16])), 422, 'invalid-image'],
      ['absurd sizes', () => post(pngClaiming(2_000_000_000, 2_000_000_000)), 413, 'image-too-large'],
      ['more pixels than allowed', () => post(pngClaiming(2000, 2000)), 413, 'image-too-large'],
      ['no pixels', () => post(pngClaiming(0, 5)), 422, 'invalid-image'],
      ['more pixels than there is data for', () => post(pngClaiming(90, 71)), 422, 'invalid-image'],
      [
        'more memory than there is',
        () => post(pngClaiming(1000, 1000), '/?kernel=255'),
        413,
        'image-too-large',
      ],
      ['a body over the limit', () => post(Buffer.alloc(300_001)), 413, 'body-too-large'],
      ['an even kernel', () => post(good, '/?kernel=4'), 400, 'invalid-kernel'],
      ['a negative kernel', () => post(good, '/?kernel=-3'), 400, 'invalid-kernel'],
      ['a kernel that is no number', () => post(good, '/?kernel=NaN'), 400, 'invalid-kernel'],
      ['two kernels', () => post(good, '/?kernel=3&kernel=5'), 400, 'invalid-kernel'],
      ['a traversing name', () => post(good, '/?name=..%2F..%2Fetc%2Fpasswd'), 400, 'invalid-name'],
      ['an empty name', () => post(good, '/?name='), 400, 'invalid-name'],
      ['a name that is a way up', () => post(good, '/?name=..'), 400, 'invalid-name'],
      ['broken JSON', () => post('{', '/', { 'content-type': 'application/json' }), 400, 'invalid-request'],
      ['a traversing input', () => json({ input: '../../etc/passwd' }), 400, 'invalid-name'],
      ['an absolute input', () => json({ input: '/etc/passwd' }), 400, 'invalid-name'],
      ['an input that is not there', () => json({ input: 'nothing.png' }), 404, 'not-found'],
      [
        'a compressed body',
        () => post(gzipSync(good), '/', { 'content-encoding': 'gzip' }),
        415,
        'unsupported-encoding',
      ],
      ['an unknown image', () => fetch(`${url}/images/0123456789abcdef01234567`), 404, 'not-found'],
      ['an id that is none', () => fetch(`${url}/images/..%2F..`), 404, 'not-found'],
      ['a path that is no text', () => fetch(`${url}/%`), 400, 'invalid-request'],
      ['an unknown path', () => fetch(`${url}/nothing`), 404, 'not-found'],
      ['an unknown method', () => fetch(`${url}/images`, { method: 'PUT' }), 405, 'method-not-allowed'],
    ];

    it.each(cases)(
      '%s, as a problem document, and keeps nothing of it',
      async (_what, send, status, code) => {
        const response = await send();
        expect(response.headers.get('content-type')).toBe('application/problem+json');
        const body = (await response.json()) as Record<string, unknown>;
        expect(body).toMatchObject({ status, code, type: `urn:tessera:problem:${code}` });
        expect(response.status).toBe(status);
        expect(JSON.stringify(body)).not.toMatch(/\bat .*\.(js|ts):/);
        expect(await leftovers()).toEqual([]);
        expect(split.isRunning).toBe(true);
      },
    );

    it('a body that turns out too long without a declared length', async () => {
      const status = await raw({
        headers: { 'transfer-encoding': 'chunked' },
        chunks: Array.from({ length: 31 }, () => Buffer.alloc(10_000)),
      });
      expect(status).toBe(413);
      expect(await leftovers()).toEqual([]);
    });

    it.runIf(store === 'file')('a link that leads out of INPUT_PATH', async () => {
      await symlink('/etc', join(inputs, 'outside'));
      const response = await json({ input: 'outside/hostname' });
      expect(response.status).toBe(404);
      await rm(join(inputs, 'outside'));
    });

    it('an image for which there is no room now, and keeps nothing of it', async () => {
      const first = await post(await toPng(picture(300, 300), 3), '/?name=first.png&kernel=255');
      expect(first.status).toBe(202);
      const before = await leftovers();
      const second = await post(
        await toPng(picture(300, 300, 'opaque', 2), 3),
        '/?name=second.png&kernel=255',
      );
      expect(second.status).toBe(429);
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await leftovers()).toEqual(before);
    });
  });

  it('decodes a PNG that inflates to far more data than its header says, by its header', async () => {
    const idat = good.indexOf('IDAT');
    const png = Buffer.concat([
      good.subarray(0, idat - 4),
      chunk('IDAT', deflateSync(Buffer.alloc(200_000_000))),
      chunk('IEND', Buffer.alloc(0)),
    ]);
    expect(png.length).toBeLessThan(300_000);
    const response = await post(png);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ width: 90, height: 70, tiles: 1 });
  });

  describe('a bad image among good ones', () => {
    it.runIf(store === 'file')('is reported in its own entry and stops no other', async () => {
      await mkdir(join(inputs, 'batch/deep'), { recursive: true });
      await writeFile(join(inputs, 'batch/a.png'), good);
      await writeFile(join(inputs, 'batch/b.png'), good.subarray(0, 100));
      await writeFile(join(inputs, 'batch/deep/c.png'), good);
      await writeFile(join(inputs, 'batch/notes.txt'), 'not an image');
      const response = await json({ input: 'batch', kernel: 5 });
      expect(response.status).toBe(202);
      const { images } = (await response.json()) as { images: Record<string, unknown>[] };
      expect(images).toMatchObject([
        { name: 'batch/a.png', width: 90, height: 70, tiles: 1, status: 'blurring' },
        { name: 'batch/b.png', status: 'refused', error: { code: 'invalid-image', status: 422 } },
        { name: 'batch/deep/c.png', tiles: 1 },
      ]);
      expect(await redis.llen('image:job:queue')).toBe(2);
      await rm(join(inputs, 'batch'), { recursive: true });
    });
  });

  it('still accepts a good image after all of that', async () => {
    const response = await post(good, '/?name=good.png');
    expect(response.status).toBe(202);
    const body = (await response.json()) as { id: string };
    expect(body).toMatchObject({ name: 'good.png', width: 90, height: 70, tiles: 1, status: 'blurring' });
    expect(response.headers.get('location')).toBe(`/images/${body.id}`);
  });
});

async function json(body: unknown): Promise<Response> {
  return post(JSON.stringify(body), '/', { 'content-type': 'application/json' });
}

function flipped(bytes: Buffer, at: number): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes);
  copy[at] ^= 0x10;
  return copy;
}

function chunk(type: string, data: Buffer): Buffer {
  const whole = Buffer.alloc(data.length + 12);
  whole.writeUInt32BE(data.length, 0);
  whole.write(type, 4, 'latin1');
  data.copy(whole, 8);
  whole.writeUInt32BE(crc32(whole.subarray(4, 8 + data.length)), 8 + data.length);
  return whole;
}
