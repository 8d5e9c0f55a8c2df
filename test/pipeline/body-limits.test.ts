import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { sendRaw } from '../support/raw-request.ts';

const LIMIT = 64 * 1024;

let server: RedisServer;
let folder: string;
const functions = new Map<FunctionName, FunctionProcess>();

beforeAll(async () => {
  server = await RedisServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tessera-limits-'));
  for (const name of ['split', 'blur', 'assemble'] as const) {
    const env = { REDIS_URL: server.url, OUTPUT_PATH: folder, CONSUMER: 'off', LOG_LEVEL: 'silent' };
    functions.set(name, new FunctionProcess(name, { env }));
  }
  await Promise.all([...functions.values()].map((each) => each.healthy()));
});

afterAll(async () => {
  await Promise.all([...functions.values()].map((each) => each.stop()));
  await server.stop();
  await rm(folder, { recursive: true });
});

async function urlOf(name: FunctionName): Promise<string> {
  const found = functions.get(name);
  if (!found) throw new Error(`${name} was not started`);
  return found.ready();
}

const json = { 'content-type': 'application/json' };
const event = { 'content-type': 'application/cloudevents+json' };
const bodies: [what: string, name: FunctionName, headers: Record<string, string>, method?: string][] = [
  ['a question to split', 'split', { 'content-type': 'image/png' }, 'GET'],
  ['a cancellation', 'split', {}, 'DELETE'],
  ['a JSON request to split', 'split', json],
  [
    'a JSON request to split with parameters and capitals',
    'split',
    { 'content-type': 'Application/JSON;charset=utf-8' },
  ],
  ['an event to split', 'split', event],
  ['an event to assemble', 'assemble', event],
  ['a binary event to assemble', 'assemble', { 'ce-id': '1', 'content-type': 'image/png' }],
  ['a request to blur', 'blur', { 'content-type': 'image/png' }],
];

describe.each(bodies)('%s', (_what, name, headers, method = 'POST') => {
  it('is refused by its declared length, before any of it is sent', async () => {
    const response = await sendRaw(await urlOf(name), {
      method,
      target: '/',
      headers: { ...headers, 'content-length': String(LIMIT + 1) },
    });
    expect(response.status).toBe(413);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'body-too-large' });
  });

  it('is refused when it grows too large without a declared length', async () => {
    const piece = Buffer.alloc(LIMIT / 2, ' ').toString();
    const framed = `${(LIMIT / 2).toString(16)}\r\n${piece}\r\n`;
    const response = await sendRaw(await urlOf(name), {
      method,
      target: '/',
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body: `${framed}${framed}1\r\n \r\n0\r\n\r\n`,
    });
    expect(response.status).toBe(413);
  });

  it('may have exactly as many bytes as allowed', async () => {
    const response = await sendRaw(await urlOf(name), {
      method,
      target: '/',
      headers: { ...headers, 'content-length': String(LIMIT) },
      body: Buffer.alloc(LIMIT, ' '),
    });
    expect(response.status).not.toBe(413);
  });
});

it.each<FunctionName>(['split', 'blur', 'assemble'])(
  '%s closes a connection that sends many requests and waits for no response',
  async (name) => {
    const response = await sendRaw(await urlOf(name), {
      target: '/images',
      headers: { connection: 'keep-alive' },
      body: 'GET /images HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000),
    });
    expect(response.status).toBe(400);
    expect(JSON.parse(response.body)).toMatchObject({
      detail: expect.stringContaining('requests on this connection'),
    });
  },
);
