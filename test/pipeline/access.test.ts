import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { sendRaw, type RawRequest } from '../support/raw-request.ts';

const current = 'current-token-0123456789';
const previous = 'cHJldmlvdXMtdG9rZW4tMDEyMzQ1Njc4OQ==';
const wrong = 'wrong-token-0123456789abc';
const anId = '0123456789abcdef01234567';

let server: RedisServer;
let folder: string;
let png: Buffer<ArrayBuffer>;
const started: FunctionProcess[] = [];
const logged: string[] = [];

function start(env: Record<string, string>): FunctionProcess {
  const paths = { INPUT_PATH: folder, OUTPUT_PATH: folder };
  const split = new FunctionProcess('split', {
    env: { REDIS_URL: server.url, LOG_LEVEL: 'debug', ...paths, ...env },
    onLog: (line) => logged.push(line),
  });
  started.push(split);
  return split;
}

beforeAll(async () => {
  server = await RedisServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tessera-access-'));
  png = await toPng(picture(90, 70), 3);
});

afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('split with tokens', () => {
  let url: string;

  beforeAll(async () => {
    url = await start({ AUTH_TOKEN: `alice:${current}, ${previous}` }).healthy();
  });

  const send = (request: Partial<RawRequest>) => sendRaw(url, { target: '/images', ...request });

  const requests: RawRequest[] = [
    { method: 'POST', target: '/', headers: { 'content-type': 'image/png' } },
    { method: 'POST', target: '/', headers: { 'content-type': 'application/json' } },
    { method: 'POST', target: '/', headers: { 'content-length': '999999999999' } },
    { method: 'POST', target: '/', headers: { 'content-encoding': 'gzip' } },
    { method: 'POST', target: '/?kernel=4&name=..' },
    { method: 'PUT', target: '/' },
    { target: '/images' },
    { method: 'HEAD', target: '/images' },
    { method: 'OPTIONS', target: '/images' },
    { method: 'OPTIONS', target: '*' },
    { target: `/images/${anId}` },
    { method: 'DELETE', target: `/images/${anId}` },
    { target: `/images/${anId}/result` },
    { target: '/images/none' },
    { target: '/nothing' },
    { target: '/%' },
    { target: '/robots.txt' },
    { target: '/favicon.ico' },
    { target: '/health' },
    { target: '/health/live/' },
    { target: '/health/live?images' },
    { target: '//health/live' },
    { target: '/health/live/../../images' },
    { target: `/images?authorization=Bearer%20${current}&access_token=${current}` },
  ];

  it.each(requests)('refuses $method $target without one, in the same words', async (request) => {
    const response = await send(request);
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="tessera"');
    expect(response.headers['content-type']).toBe('application/problem+json');
    if (request.method === 'HEAD') return;
    expect(JSON.parse(response.body)).toEqual({
      type: 'urn:tessera:problem:unauthorized',
      title: 'A token is needed',
      status: 401,
      code: 'unauthorized',
      detail: 'A valid bearer token is required.',
    });
  });

  it.each([
    ['a wrong token', `Bearer ${wrong}`],
    ['the beginning of one', `Bearer ${current.slice(0, -1)}`],
    ['one and more', `Bearer ${current}0`],
    ['one in other letters', `Bearer ${current.toUpperCase()}`],
    ['one with its name', `Bearer alice:${current}`],
    ['both at once', `Bearer ${current},${previous}`],
    ['both, separated by a space', `Bearer ${current} ${previous}`],
    ['one without the scheme', current],
    ['one under another scheme', `Basic ${current}`],
    ['one in quotes', `Bearer "${current}"`],
    ['a scheme alone', 'Bearer'],
    ['nothing', ''],
    ['one twice', `Bearer ${current}\r\nauthorization: Bearer ${current}`],
    ['a wrong one and a right one', `Bearer ${wrong}\r\nAuthorization: Bearer ${current}`],
    ['a right one and a wrong one', `Bearer ${current}\r\nAuthorization: Bearer ${wrong}`],
    ['a very long one', `Bearer ${'a'.repeat(15_000)}`],
    ['spaces without end', `Bearer ${' '.repeat(15_000)}x y`],
  ])('refuses %s', async (_what, authorization) => {
    const response = await send({ headers: { authorization } });
    expect([response.status, JSON.parse(response.body)]).toMatchObject([401, { code: 'unauthorized' }]);
  });

  it.each<Record<string, string>>([{}, { expect: '100-continue' }])(
    'refuses an upload with the headers %j before any of it is sent',
    async (more) => {
      const headers = { 'content-length': '1000000', ...more };
      const response = await send({ method: 'POST', target: '/', headers });
      expect(response.status).toBe(401);
    },
  );

  it.each([
    ['each token', `Bearer ${current}`],
    ['the token it had before', `Bearer ${previous}`],
    ['the scheme in other letters', `bEARER ${current}`],
  ])('accepts %s', async (_what, authorization) => {
    expect((await send({ headers: { authorization } })).status).toBe(200);
  });

  it('answers health checks without a token', async () => {
    for (const path of ['/health/live', '/health/ready']) expect((await fetch(url + path)).status).toBe(200);
  });

  it('shows a caller with a token what is wrong', async () => {
    const headers = { authorization: `Bearer ${current}` };
    expect((await fetch(`${url}/nothing`, { headers })).status).toBe(404);
    expect((await fetch(`${url}/images`, { headers, method: 'PUT' })).status).toBe(405);
  });

  it('accepts an image, logs the name of its caller, and logs no token', async () => {
    const headers = { authorization: `Bearer ${current}`, 'content-type': 'image/png' };
    const response = await fetch(`${url}/?name=a.png`, { method: 'POST', headers, body: png });
    expect(response.status).toBe(202);
    expect(logged.some((line) => line.includes('"caller":"alice"'))).toBe(true);
    for (const token of [current, previous, wrong]) expect(logged.join('\n')).not.toContain(token);
  });
});

describe('split with an invalid list of tokens', () => {
  it.each([
    ['a short one', 'brief-QX1'],
    ['white space', ' \n '],
    ['nothing', ''],
    ['a short one among others', `alice:${current} bob:brief-QX2`],
  ])('does not start with %s, and does not show it', async (_what, tokens) => {
    logged.length = 0;
    const split = start({ AUTH_TOKEN: tokens });
    await split.exited;
    expect(split.end).toBe(1);
    expect(logged.join('\n')).toContain('AUTH_TOKEN');
    expect(logged.join('\n')).not.toMatch(new RegExp(`brief-QX|${current}`));
  });
});

describe('split with routes switched off', () => {
  let url: string;

  beforeAll(async () => {
    url = await start({ STORED_INPUTS: 'off', IMAGE_LIST: 'off' }).healthy();
  });

  it.each([
    ['stored images', '{}'],
    ['one stored image', '{"input":"a.png"}'],
    ['a malformed request for stored images', '{'],
  ])('refuses %s', async (_what, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', body, headers });
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'switched-off' }]);
  });

  it.each(['/images', '/dead-letters'])('refuses the list %s', async (path) => {
    const response = await fetch(`${url}${path}`);
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'switched-off' }]);
  });

  it('accepts uploads and shows their status', async () => {
    const response = await fetch(`${url}/?name=b.png`, { method: 'POST', body: png });
    expect(response.status).toBe(202);
    expect((await fetch(url + response.headers.get('location'))).status).toBe(200);
  });
});
