// What split does with requests as people and programs send them: with the real curl, and byte by byte.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { MAX_PROBLEM_BYTES } from '../../functions/lib/errors.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { sendRaw, type RawRequest, type RawResponse } from '../support/raw-request.ts';
import { keysLeft } from '../support/keys-left.ts';

const run = promisify(execFile);
const anId = '0123456789abcdef01234567';

let server: RedisServer;
let redis: Redis;
let split: FunctionProcess;
let url: string;
let inputs: string;
let png: Buffer<ArrayBuffer>;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  inputs = await mkdtemp(join(tmpdir(), 'tessera-requests-'));
  png = await toPng(picture(30, 20), 3);
  await writeFile(join(inputs, 'private.png'), png);
  split = new FunctionProcess('split', {
    env: { REDIS_URL: server.url, INPUT_PATH: inputs, OUTPUT_PATH: inputs, LOG_LEVEL: 'silent' },
  });
  url = await split.healthy();
});

afterAll(async () => {
  await split.stop();
  redis.disconnect();
  await server.stop();
  await rm(inputs, { recursive: true });
});

beforeEach(async () => {
  await redis.flushall();
});

/** Runs curl with split's `path`. Its standard output is the response's body, a space and the status. */
async function curl(
  path: string,
  ...args: string[]
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { stdout } = await run('curl', [
    '--silent',
    '--write-out',
    ' %{http_code}',
    ...args,
    `${url}${path}`,
  ]);
  const at = stdout.lastIndexOf(' ');
  return {
    status: Number(stdout.slice(at + 1)),
    body: JSON.parse(stdout.slice(0, at)) as Record<string, unknown>,
  };
}

async function raw(request: RawRequest): Promise<RawResponse> {
  return sendRaw(url, request);
}

async function nothingWasTaken(): Promise<void> {
  expect(await keysLeft(redis)).toEqual([]);
}

describe('a POST without a body', () => {
  it.each([
    ['and nothing else', '/', []],
    ['with a name', '/?name=a.png', []],
    ['with a kernel', '/?kernel=21', []],
    ['with an image type', '/', ['--header', 'content-type: image/png']],
    ['with a type of no meaning', '/', ['--header', 'content-type: application/octet-stream']],
    ['with the type of JSON', '/', ['--header', 'content-type: application/json']],
    ['from a pipe that stayed empty', '/?name=a.png', ['--data-binary', '@/dev/null']],
    ['of unknown length', '/', ['--header', 'transfer-encoding: chunked', '--data-binary', '@/dev/null']],
  ])('%s is refused and says what to send', async (_what, path, args) => {
    const { status, body } = await curl(path, '--request', 'POST', ...args);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-request' });
    expect(body.detail).toMatch(/empty.*\{"input": "folder"\}/);
    await nothingWasTaken();
  });
});

describe('a request for all inputs', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'is {} sent as %s',
    async (type) => {
      const { status, body } = await curl('/', '--header', `content-type: ${type}`, '--data', '{}');
      expect(status).toBe(202);
      expect(body).toMatchObject({
        images: [{ name: 'private.png' }],
        skipped: { count: 0, files: [] },
        next: null,
      });
    },
  );

  it.each([
    ['--data', '{}'],
    ['--data-binary', '{"input":"private.png"}'],
    ['--header', 'content-type: image/png', '--data', '{}'],
    ['--header', 'content-type: text/json', '--data', '{}'],
    ['--header', 'content-type: application/vnd.x+json', '--data', '{}'],
  ])('is not accepted as JSON sent with another type: %s %s %s', async (...args) => {
    const { status, body } = await curl('/', ...args);
    expect(status).toBe(415);
    expect(body.detail).toContain('looks like JSON, which must be sent as application/json');
    await nothingWasTaken();
  });

  it('has no query', async () => {
    const { status, body } = await curl('/?kernel=3', '--json', '{}');
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-request' });
    await nothingWasTaken();
  });
});

describe('an upload', () => {
  it("is accepted with curl's own content type, or one in capitals", async () => {
    const file = join(inputs, 'private.png');
    expect((await curl('/?name=a.png', '--data-binary', `@${file}`)).status).toBe(202);
    expect(
      (await curl('/?name=b.png', '--data-binary', `@${file}`, '--header', 'content-type: IMAGE/PNG')).status,
    ).toBe(202);
  });

  it.each([
    [
      'a form',
      ['--form', 'file=@private.png'],
      /multipart\/form-data; send the file by itself: curl --data-binary/,
    ],
    [
      'a page',
      ['--data-binary', '@private.png', '--header', 'content-type: text/html'],
      /text\/html; send a PNG/,
    ],
    [
      'a document',
      ['--data-binary', '@private.png', '--header', 'content-type: application/pdf'],
      /application\/pdf/,
    ],
  ])('sent as %s is refused', async (_what, args, detail) => {
    const { status, body } = await curl(
      '/',
      ...args.map((each) => each.replace('@private.png', `@${inputs}/private.png`)),
    );
    expect(status).toBe(415);
    expect(body.detail).toMatch(detail);
    await nothingWasTaken();
  });
});

describe('the query', () => {
  const routes: [method: string, path: string][] = [
    ['POST', '/'],
    ['GET', '/images'],
    ['GET', `/images/${anId}`],
    ['DELETE', `/images/${anId}`],
    ['GET', `/images/${anId}/result`],
    ['HEAD', '/images'],
  ];
  const queries = [
    'x',
    'nmae=a.png',
    'name[]=a.png',
    'kernel[a]=3',
    'kernel%5B%5D=3',
    'limit=5',
    '__proto__[name]=a',
    'name=a.png&name=b.png',
    'kernel=3&kernel=3',
  ];

  it.each(routes.flatMap(([method, path]) => queries.map((query) => [method, path, query] as const)))(
    'of %s %s is refused when it is %s',
    async (method, path, query) => {
      const body = method === 'POST' ? png : undefined;
      const response = await fetch(`${url}${path}?${query}`, { method, ...(body && { body }) });
      expect(response.status).toBe(400);
      await nothingWasTaken();
    },
  );

  it('may be empty', async () => {
    expect((await fetch(`${url}/images?`)).status).toBe(200);
    expect((await fetch(`${url}/?`, { method: 'POST', body: png })).status).toBe(202);
  });
});

describe('a path', () => {
  it.each([
    ['POST', '//x'],
    ['POST', '//'],
    ['POST', '/x'],
    ['POST', '/%2F'],
    ['GET', '//images'],
    ['GET', '/images/'],
    ['GET', '/images//'],
    ['GET', `/images//${anId}`],
    ['GET', `/images/${anId}/`],
    ['GET', `/images/${anId}//result`],
    ['GET', `/images/${anId}/result/`],
    ['GET', `/images/${anId}/result/x`],
    ['GET', `/images%2F${anId}`],
    ['GET', 'http://'],
    ['GET', `/images/${anId}%2Fresult`],
    ['GET', `/images/${anId.toUpperCase()}`],
    ['GET', `/Images/${anId}`],
    ['GET', '/images/..'],
    ['GET', '/images/../images'],
    ['GET', '/./images'],
    ['GET', `/${'/'.repeat(8000)}x`],
    ['GET', '/favicon'],
  ])('that does not exist is not found: %s %s', async (method, target) => {
    const body = method === 'POST' ? png : '';
    const response = await raw({ method, target, headers: { 'content-length': String(body.length) }, body });
    expect(response.status).toBe(404);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'not-found' });
    await nothingWasTaken();
  });

  it('may have the host in front, as in a request to a proxy', async () => {
    expect((await raw({ target: `${url}/images` })).status).toBe(200);
    expect((await raw({ target: `${url}//images` })).status).toBe(404);
  });
});

describe('HEAD and OPTIONS', () => {
  it('HEAD returns the same as GET, without the body', async () => {
    for (const path of ['/images', `/images/${anId}`, '/nothing']) {
      const [head, get] = await Promise.all(['HEAD', 'GET'].map((method) => raw({ method, target: path })));
      expect(head.status).toBe(get.status);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
      expect(head.body).toBe('');
    }
  });

  it.each([
    ['/', 'POST, OPTIONS'],
    ['/images', 'GET, HEAD, OPTIONS'],
    [`/images/${anId}`, 'GET, DELETE, HEAD, OPTIONS'],
    [`/images/${anId}/result`, 'GET, HEAD, OPTIONS'],
  ])('OPTIONS %s returns the methods: %s', async (target, allow) => {
    const options = await raw({ method: 'OPTIONS', target });
    expect(options).toMatchObject({ status: 204, body: '' });
    expect(options.headers.allow).toBe(allow);
    const patch = await raw({ method: 'PATCH', target });
    expect(patch.status).toBe(405);
    expect(patch.headers.allow).toBe(allow);
  });
});

describe('a problem document', () => {
  const long = 'x照🖼"\\\u0001'.repeat(2000);
  const encoded = encodeURIComponent(long.slice(0, 3000));
  const json = (body: unknown) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const echoing: [what: string, path: string, init: RequestInit][] = [
    ['a path', `/${encoded}`, {}],
    ['an id', `/images/${'x'.repeat(12_000)}`, {}],
    ['a name', `/?name=${encoded}`, { method: 'POST', body: 'x' }],
    ['a name of control characters', `/?name=${'%01'.repeat(4000)}`, { method: 'POST', body: 'x' }],
    ['a kernel', `/?kernel=${encoded}`, { method: 'POST', body: 'x' }],
    ['many kernels', `/?${'kernel=1&'.repeat(1000)}`, { method: 'POST', body: 'x' }],
    ['a parameter', `/?${encoded}`, { method: 'POST', body: 'x' }],
    ['many parameters', `/images?${Array.from({ length: 2000 }, (_, at) => `p${at}`).join('&')}`, {}],
    ['an input', '/', json({ input: long })],
    ['an input that is not there', '/', json({ input: Array(7).fill('照'.repeat(85)).join('/') })],
    ['a field', '/', json({ [long]: 1 })],
    ['a kernel in JSON', '/', json({ kernel: long })],
    [
      'a content type',
      '/',
      { method: 'POST', body: 'x', headers: { 'content-type': `a/${'b'.repeat(12_000)}` } },
    ],
    [
      'a content encoding',
      '/',
      { method: 'POST', body: 'x', headers: { 'content-encoding': 'b'.repeat(12_000) } },
    ],
  ];

  it.each(echoing)('stays short if it repeats %s', async (_what, path, init) => {
    const response = await fetch(`${url}${path}`, init);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.length).toBeLessThanOrEqual(MAX_PROBLEM_BYTES);
    expect(bytes.toString()).not.toContain('\ufffd');
    expect(JSON.parse(bytes.toString())).toMatchObject({ status: response.status });
  });
});

describe('a malicious JSON request', () => {
  it.each([
    ['slashes', `{"input":"${'/'.repeat(60_000)}x"}`],
    ['slashes at the end', `{"input":"x${'/'.repeat(60_000)}"}`],
    ['dots', `{"input":"${'./'.repeat(30_000)}x"}`],
    ['accents out of order', `{"input":"e${'\u0301\u0316'.repeat(15_000)}"}`],
    ['arrays in arrays', `{"input":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['objects in objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['arrays that never close', '['.repeat(60_000)],
    ['quotes', `{"kernel":"${'\\"'.repeat(30_000)}"}`],
    ['empty objects', `[${'{},'.repeat(20_000)}{}]`],
    ['digits', `{"kernel":${'9'.repeat(60_000)}}`],
    ['a prototype', '{"__proto__":{"input":"private.png"}}'],
    ['the same field again and again', `{${'"input":"private.png",'.repeat(2000)}"kernel":3}`],
  ])('of many %s is refused', async (_what, body) => {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(400);
    await nothingWasTaken();
  });
});

it('leaves nothing in the folder of inputs', async () => {
  expect(await readdir(inputs)).toEqual(['private.png']);
  expect(await readFile(join(inputs, 'private.png'))).toEqual(png);
});
