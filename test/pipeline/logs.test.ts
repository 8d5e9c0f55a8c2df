// What the functions log when something is wrong, as they are deployed: one JSON line per fault, with places
// in the sources, and never a secret.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { imageBlurredMessage } from '../../functions/lib/events.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

const root = join(import.meta.dirname, '../..');
const functions: FunctionName[] = ['split', 'blur', 'assemble'];
const secret = 'hunter2-hunter2';

type Line = Record<string, unknown>;

let server: RedisServer;
let redis: Redis;
let folder: string;
let png: Buffer<ArrayBuffer>;
let logged: string[];
const started: FunctionProcess[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  folder = await mkdtemp(join(tmpdir(), 'tessera-logs-'));
  png = await toPng(picture(90, 70), 3);
});

beforeEach(async () => {
  logged = [];
  await redis.flushall();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});

function spawnFunction(name: FunctionName, env: Record<string, string>): FunctionProcess {
  return new FunctionProcess(name, {
    env: { REDIS_URL: server.url, INPUT_PATH: folder, OUTPUT_PATH: folder, ...env },
    onLog: (line) => logged.push(line),
  });
}

/** Starts a function for one test. */
async function start(name: FunctionName, env: Record<string, string> = {}): Promise<string> {
  const child = spawnFunction(name, env);
  started.push(child);
  return child.healthy();
}

/** Returns the first line logged with this message, when it is there. */
async function lineWith(message: string): Promise<Line> {
  return until(`"${message}" in the log`, () =>
    logged.map((line) => JSON.parse(line) as Line).find((line) => line.message === message),
  );
}

/** Runs a function that ends by itself. Returns its exit status and its output. */
async function run(
  name: FunctionName,
  env: Record<string, string>,
): Promise<{ end: unknown; output: string }> {
  const child = spawn(process.execPath, [join(root, 'dist', name, 'main.js')], {
    env: { PORT: '0', REDIS_URL: server.url, OUTPUT_PATH: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [end]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { end, output: stdout + stderr };
}

/** Parses `output`, which must be one line. */
function onlyLine(output: string): Line {
  expect(output.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(output) as Line;
}

describe.each(functions)('%s', (name) => {
  it('logs in one line which settings are invalid, and exits with 1', async () => {
    const { end, output } = await run(name, {
      KERNEL_SIZE: '4',
      LOG_LEVEL: 'loud',
      REDIS_URL: `http://user:${secret}@redis`,
      K_SINK: `http://user:${secret}@assemble`,
    });
    expect(end).toBe(1);
    const line = onlyLine(output);
    expect(line).toMatchObject({
      severity: 'ERROR',
      component: name,
      message: 'The settings are invalid',
    });
    for (const setting of ['KERNEL_SIZE', 'LOG_LEVEL', 'REDIS_URL', 'K_SINK'])
      expect(line.error).toContain(setting);
    expect(output).not.toContain(secret);
  });

  it('logs an uncaught error in one line, and exits with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { end, output } = await run(name, { PORT: String(port), LOG_LEVEL: 'error' });
    taken.close();
    expect(end).toBe(1);
    const line = onlyLine(output);
    expect(line).toMatchObject({ severity: 'ERROR', component: name, message: 'An error was not caught' });
    expect(line.error).toMatch(/HOST and PORT: .*EADDRINUSE/);
    expect(line.stack).toContain('functions/lib/service/set-up.ts:');
  });

  it.each([
    ['REDIS_URL', `redis://user:${secret}%@redis`],
    ['REDIS_URL', `redis://user:${secret}@redis/queue`],
    ['HOST', '192.0.2.1'],
    ['MAX_UPLOADS', '0x10'],
  ])('logs in one line that %s cannot be %s', async (setting, value) => {
    const { end, output } = await run(name, { LOG_LEVEL: 'error', [setting]: value });
    expect(end).toBe(1);
    const line = onlyLine(output);
    expect(line).toMatchObject({ severity: 'ERROR', component: name });
    expect(line.error).toContain(setting);
    expect(output).not.toContain(secret);
  });

  it('never logs the password of Redis', async () => {
    await redis.config('SET', 'requirepass', 'another');
    try {
      const child = new FunctionProcess(name, {
        env: {
          REDIS_URL: server.url.replace('//', `//:${secret}@`),
          OUTPUT_PATH: folder,
          LOG_LEVEL: 'debug',
        },
        onLog: (line) => logged.push(line),
      });
      started.push(child);
      await child.ready();
      await until('the refusal', () => logged.some((line) => line.includes('WRONGPASS')));
      expect(logged.join('\n')).not.toContain(secret);
    } finally {
      await redis.config('SET', 'requirepass', '');
    }
  });
});

describe('an unexpected error', () => {
  it('in a request to split is logged with its place in the sources and its image', async () => {
    const url = await start('split');
    await redis.set('image:images', 'not what the queue expects here');
    const response = await fetch(`${url}/?name=a.png`, { method: 'POST', body: png });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal', detail: 'The fault was logged.' });
    const line = await lineWith('A request failed');
    expect(line).toMatchObject({ severity: 'ERROR', method: 'POST', path: '/' });
    expect(line.imageId).toMatch(/^[0-9a-f]{24}$/);
    expect(line.error).toContain('WRONGTYPE');
    expect(line.stack).toMatch(/functions\/split\/intake\.ts:\d+:\d+/);
  });

  it('in a tile that is being sent to Redis is logged with the tile too', async () => {
    const url = await start('split');
    await redis.acl('SETUSER', 'default', '-lpush'); // Used for putting a tile on the list, and for nothing before that.
    try {
      const { status } = await fetch(`${url}/?name=a.png`, { method: 'POST', body: png });
      expect(status).toBeGreaterThanOrEqual(500);
    } finally {
      await redis.acl('SETUSER', 'default', '+lpush');
    }
    expect(await lineWith('Redis refuses commands')).toMatchObject({
      imageId: expect.any(String) as string,
      tile: 0,
    });
  });

  it('in assemble is logged with its image', async () => {
    const url = await start('assemble');
    const id = '0123456789abcdef01234567';
    await redis.set(`image:${id}:meta`, 'not a record');
    const { headers, body } = imageBlurredMessage(id);
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(500);
    const line = await lineWith('A request failed');
    expect(line).toMatchObject({ imageId: id });
    expect(line.stack).toMatch(/functions\/assemble\/index\.ts:\d+:\d+/);
  });

  it('in blur is logged with its place in the sources', async () => {
    await redis.set('image:job:queue', 'not a list');
    await start('blur');
    const line = await lineWith('No tile can be claimed');
    expect(line).toMatchObject({ severity: 'ERROR' });
    expect(line.stack).toMatch(/functions\/blur\/consumer\.ts:\d+:\d+/);
  });
});

describe('requests while Redis is down', () => {
  it('are logged once for all of them', async () => {
    const child = new FunctionProcess('split', {
      env: { REDIS_URL: 'redis://127.0.0.1:1', INPUT_PATH: folder, OUTPUT_PATH: folder },
      onLog: (line) => logged.push(line),
    });
    started.push(child);
    const url = await child.ready();
    for (let times = 0; times < 5; times++) {
      for (const path of ['/images', '/images/0123456789abcdef01234567'])
        expect((await fetch(url + path)).status).toBe(503);
      expect((await fetch(`${url}/?name=a.png`, { method: 'POST', body: png })).status).toBe(503);
    }
    const lines = logged.map((line) => JSON.parse(line) as Line);
    expect(lines.filter(({ severity }) => severity !== 'INFO').map(({ message }) => message)).toEqual([
      'Redis cannot be reached',
    ]);
  });
});

describe('a request that is refused', () => {
  let split: FunctionProcess;
  beforeAll(() => {
    split = spawnFunction('split', { LOG_LEVEL: 'debug' });
  });
  afterAll(() => split.stop());

  it.each([
    ['by its path', '/nothing', {}, 'not-found'],
    ['by its body', '/?name=a.txt', { method: 'POST', body: 'text' }, 'unsupported-image'],
    [
      'before its body is read',
      '/',
      { method: 'POST', body: 'x', headers: { 'content-encoding': 'br' } },
      'unsupported-encoding',
    ],
  ] as [string, string, RequestInit, string][])('%s is logged at debug', async (_how, path, init, code) => {
    const url = await split.healthy();
    await fetch(url + path, init);
    expect(await lineWith('A request was refused')).toMatchObject({ severity: 'DEBUG', code });
  });

  it('is not logged otherwise', async () => {
    const url = await start('split', { LOG_LEVEL: 'info' });
    await fetch(`${url}/nothing`);
    await fetch(`${url}/?name=a.png`, { method: 'POST', body: png });
    await lineWith('Split');
    expect(logged.filter((line) => line.includes('refused'))).toEqual([]);
  });
});
