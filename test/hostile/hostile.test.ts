// A real split gets everything in the corpus: each answer must be right and quick, and split must not use
// more memory afterwards.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { isFull } from '../support/full.ts';
import type { HostileFile } from './hostile-file.ts';
import { jpegFiles } from './jpeg-files.ts';
import { otherFiles } from './other-files.ts';
import { pngFiles } from './png-files.ts';
import { hostileRequests } from './requests.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_GROWTH_BYTES = 64 * MEBIBYTE;
const MAX_P99_MS = 250;
const MAX_ANSWER_BYTES = 2048;

const files: HostileFile[] = [...pngFiles(), ...(await jpegFiles()), ...otherFiles()];

let server: RedisServer;
let split: FunctionProcess;
let url: string;
let folder: string;
const times: number[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tessera-hostile-'));
  const env = { REDIS_URL: server.url, INPUT_PATH: folder, OUTPUT_PATH: folder, LOG_LEVEL: 'silent' };
  split = new FunctionProcess('split', { env });
  url = await split.healthy();
});

afterAll(async () => {
  await split.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

interface Answer {
  status: number;
  type: string;
  body: string;
}

type Wanted = Pick<HostileFile, 'status' | 'code'>;

/** Sends a request unchanged; fetch would normalise its target. */
async function send(
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
): Promise<Answer> {
  const startedAt = performance.now();
  const { hostname, port } = new URL(url);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const sending = request({ hostname, port, method, path: target, headers: { ...headers, ...length } });
  sending.on('error', () => {}); // An answer may arrive before everything is sent.
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.end(body);
  const [response] = await answered;
  const answer = await text(response);
  times.push(performance.now() - startedAt);
  return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body: answer };
}

function expectAnswer(answer: Answer, wanted: Wanted): void {
  const { status, type, body } = answer;
  expect({ status, body }).toMatchObject({ status: wanted.status });
  if (wanted.code === null || body === '') return;
  expect(type).toBe('application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ status: wanted.status, code: wanted.code });
  expect(body.length).toBeLessThan(MAX_ANSWER_BYTES);
  expect(body).not.toMatch(/\bat .*\.(js|ts):/);
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${split.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Posts a file. An accepted one is cancelled again, so that the next one finds room. */
async function post({ bytes }: HostileFile): Promise<Answer> {
  const answer = await send('POST', '/', {}, bytes);
  if (answer.status === 202) {
    const { id } = JSON.parse(answer.body) as { id: string };
    await send('DELETE', `/images/${id}`);
  }
  return answer;
}

it('has enough requests to be meaningful', () => {
  expect(files.length).toBeGreaterThanOrEqual(150);
  expect(hostileRequests.length).toBeGreaterThanOrEqual(100);
  expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
});

describe('a hostile file', () => {
  it.each(files)('$name: $status', async (file) => {
    expectAnswer(await post(file), file);
    expect(split.isRunning).toBe(true);
  });
});

describe('a hostile request', () => {
  it.each(hostileRequests)('$name: $status', async ({ method, target, headers, body, ...wanted }) => {
    expectAnswer(await send(method, target, headers, body), wanted);
    expect(split.isRunning).toBe(true);
  });
});

it('handles all of it again without growing', async () => {
  const before = await residentBytes();
  for (const file of files) await post(file);
  for (const { method, target, headers, body } of hostileRequests) await send(method, target, headers, body);
  expect((await residentBytes()) - before).toBeLessThan(MAX_GROWTH_BYTES);
});

it.runIf(isFull)(`answers 99 % of it within ${MAX_P99_MS} ms`, () => {
  const sorted = times.toSorted((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length * 0.99)]).toBeLessThan(MAX_P99_MS);
});
