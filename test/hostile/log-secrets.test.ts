// Hostile requests of all kinds while Redis fails, logged at debug: no line contains a token, a password, or bytes of an image.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { jpegFiles } from './jpeg-files.ts';
import { otherFiles } from './other-files.ts';
import { pngFiles } from './png-files.ts';
import { hostileRequests } from './requests.ts';

const planted = {
  token: 'planted-token-0123456789',
  wrongToken: 'planted-wrong-token-0123456789',
  password: 'planted-redis-password',
  collectorKey: 'planted-collector-key',
  pixels: 'PLANTED-PIXELS!',
};
const token = { authorization: `Bearer ${planted.token}` };

let server: RedisServer;
let redis: Redis;
let folder: string;
let url: string;
const running: FunctionProcess[] = [];
const logged: string[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  await redis.config('SET', 'requirepass', planted.password);
  folder = await mkdtemp(join(tmpdir(), 'tessera-secrets-'));
  const assemble = await (await start('assemble')).healthy();
  url = await (await start('split')).healthy();
  await start('blur', { K_SINK: assemble });
});

afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()));
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function start(name: FunctionName, env: Record<string, string> = {}): Promise<FunctionProcess> {
  const child = new FunctionProcess(name, {
    env: {
      ...env,
      REDIS_URL: server.url.replace('//', `//:${planted.password}@`),
      OUTPUT_PATH: folder,
      LOG_LEVEL: 'debug',
      MAX_ATTEMPTS: '2',
      RETRY_BASE_MS: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${planted.collectorKey}@127.0.0.1:1`,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${planted.collectorKey}`,
      ...(name === 'split' && { AUTH_TOKEN: `ann:${planted.token}` }),
    },
    onLog: (line) => logged.push(line),
  });
  running.push(child);
  return child;
}

/** Sends a request unchanged, and waits for its answer. */
async function send(
  method: string,
  target: string,
  headers: Record<string, string>,
  body: string | Buffer = '',
): Promise<number> {
  const { hostname, port } = new URL(url);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const sending = request({ hostname, port, method, path: target, headers: { ...headers, ...length } });
  sending.on('error', () => {}); // An answer may arrive before everything is sent.
  const answered = once(sending, 'response');
  sending.end(body);
  const [response] = (await answered) as [{ statusCode: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

/** Sends an image whose pixels are the planted text, with a filter that leaves them as they are. */
async function sendPlanted(name: string): Promise<number> {
  const [width, height] = [planted.pixels.length * 8, 40];
  const data = Buffer.alloc(width * height * 4, 255);
  for (let at = 0; at < width * height; at++) {
    for (let channel = 0; channel < 3; channel++) {
      data[4 * at + channel] = planted.pixels.charCodeAt((3 * at + channel) % planted.pixels.length);
    }
  }
  return send('POST', `/?name=${name}&kernel=1`, token, await toPng({ width, height, data }, 3));
}

/** Waits until a line with this text is logged. */
async function logs(text: string): Promise<void> {
  await until(`"${text}" in the log`, () => logged.some((line) => line.includes(text)));
}

/** Returns how a text may look if its bytes are printed in some way. */
function shapesOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const inBase64 = [0, 1, 2].map((skipped) => bytes.subarray(skipped).toString('base64').slice(0, 12));
  return [text, bytes.toString('hex'), [...bytes].join(','), [...bytes].join(', '), ...inBase64];
}

describe('the log of a hostile run', () => {
  it('has no secret and no pixel in it', async () => {
    const files = [...pngFiles(), ...(await jpegFiles()), ...otherFiles()];
    for (const { bytes } of files) await send('POST', '/', token, bytes);
    for (const { method, target, headers, body } of hostileRequests) {
      await send(method, target, { ...token, ...headers }, body);
    }
    for (const wrong of [`Bearer ${planted.wrongToken}`, `Basic ${planted.token}`, planted.token]) {
      expect(await send('GET', `/images?token=${planted.wrongToken}`, { authorization: wrong })).toBe(401);
    }
    expect(await sendPlanted('fine.png')).toBe(202);
    await logs('Assembled');

    await redis.acl('SETUSER', 'default', '-lpush');
    expect(await sendPlanted('refused.png')).toBeGreaterThanOrEqual(500);
    await redis.acl('SETUSER', 'default', '+lpush');
    await logs('Redis refuses commands');
    await redis.config('SET', 'maxmemory', '1');
    expect(await sendPlanted('full.png')).toBe(429);
    await redis.config('SET', 'maxmemory', '0');
    await redis.set('image:admitted', 'not what the queue expects here');
    expect(await sendPlanted('broken.png')).toBe(500);
    await logs('A request failed');

    const lines = logged.map((line) => JSON.parse(line) as { severity: string; component: string });
    expect(new Set(lines.map(({ severity }) => severity))).toEqual(
      new Set(['DEBUG', 'INFO', 'WARNING', 'ERROR']),
    );
    expect(new Set(lines.map(({ component }) => component))).toEqual(new Set(['split', 'blur', 'assemble']));
    expect(lines.length).toBeGreaterThan(200);
    const shapes = Object.values(planted).flatMap(shapesOf);
    expect(logged.filter((line) => shapes.some((shape) => line.includes(shape)))).toEqual([]);
  });
});
