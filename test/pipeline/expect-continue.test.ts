// `Expect: 100-continue`, which curl sends before bodies over 1 MB. Some ingresses pass it on to Knative's
// queue-proxy, which treats the first status it sees as the response, even `100 Continue`: the caller would
// then get 200 for everything.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

const token = 'a-token-of-some-length';
const maxBodyBytes = 2_000_000;
/** How long Go's client waits for `100 Continue` before it sends the body. */
const GO_WAIT_MS = 1000;

let server: RedisServer;
let split: FunctionProcess;
let splitUrl: string;
let proxy: Server;
let png: Buffer<ArrayBuffer>;
/** Bytes of bodies that the proxy has passed on. */
let passedOn: number;

beforeAll(async () => {
  server = await RedisServer.start();
  split = new FunctionProcess('split', {
    env: { REDIS_URL: server.url, AUTH_TOKEN: token, MAX_BODY_BYTES: String(maxBodyBytes) },
  });
  splitUrl = await split.healthy();
  png = await toPng(picture(900, 600), 3);
  proxy = createServer().listen(0, '127.0.0.1');
  for (const event of ['request', 'checkContinue']) proxy.on(event, passOn);
  await once(proxy, 'listening');
});

beforeEach(() => {
  passedOn = 0;
});

afterAll(async () => {
  proxy.close();
  await split.stop();
  await server.stop();
});

/**
 * Does what queue-proxy does: passes the request on with all its headers, and everything that comes back. But
 * its recorder treats the first status as that of the response, and drops every later one.
 */
function passOn(req: IncomingMessage, res: ServerResponse): void {
  let recorded: number | null = null;
  const record = (status: number) => (recorded ??= status);
  const upstream = request(splitUrl + req.url, { method: req.method, headers: req.headers });
  upstream.on('continue', () => record(100));
  upstream.on('information', ({ statusCode }) => record(statusCode));
  upstream.on('error', () => res.destroy());
  upstream.on('response', (response) => {
    const first = record(response.statusCode ?? 0);
    res.writeHead(first < 200 ? 200 : first, response.headers);
    response.pipe(res);
  });
  void passBodyOn(req, res, upstream);
}

async function passBodyOn(req: IncomingMessage, res: ServerResponse, upstream: ClientRequest): Promise<void> {
  if (req.headers.expect !== undefined) {
    upstream.flushHeaders();
    const answered = once(upstream, 'response').then(() => true);
    const continued = once(upstream, 'continue').then(() => false);
    if (await Promise.race([answered, continued, sleep(GO_WAIT_MS, false)])) return;
    res.writeContinue();
  }
  req.on('data', (chunk: Buffer) => (passedOn += chunk.length));
  req.pipe(upstream);
}

interface Answer {
  status: number;
  body: unknown;
}

/**
 * Sends a body to the proxy as curl does: waits for `100 Continue` or a response, and sends it after a while
 * anyway.
 */
async function post(body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const { port } = proxy.address() as AddressInfo;
  const sending = request({
    port,
    method: 'POST',
    path: '/?name=a.png',
    headers: {
      authorization: `Bearer ${token}`,
      expect: '100-continue',
      'content-length': body.length,
      ...headers,
    },
  });
  sending.on('continue', () => sending.end(body));
  sending.flushHeaders();
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  const answer = { status: response.statusCode ?? 0, body: await json(response) };
  sending.destroy();
  return answer;
}

it('passes the status of an upload through a proxy that records the first one', async () => {
  expect(await post(png)).toMatchObject({ status: 202, body: { name: 'a.png' } });
  expect(passedOn).toBe(png.length);
});

it('passes the status of a bad image through that proxy', async () => {
  expect(await post(png.subarray(0, 1000))).toMatchObject({ status: 422, body: { code: 'invalid-image' } });
});

it.each([
  ['too large', 413, { 'content-length': String(maxBodyBytes + 1) }],
  ['compressed', 415, { 'content-encoding': 'gzip' }],
  ['sent without a token', 401, { authorization: '' }],
])('refuses a body that is %s before any of it is sent', async (_what, status, headers) => {
  expect(await post(png, headers)).toMatchObject({ status, body: { status } });
  expect(passedOn).toBe(0);
});

it('accepts what curl sends by default', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-expect-'));
  const file = join(folder, 'a.png');
  await writeFile(file, png);
  const headers = ['--header', 'Expect: 100-continue', '--header', `Authorization: Bearer ${token}`];
  const output = ['--silent', '--write-out', '%{http_code}', '--output', join(folder, 'answer')];
  const args = [...headers, ...output, '--data-binary', `@${file}`, splitUrl];
  const { stdout } = await promisify(execFile)('curl', args);
  expect(stdout).toBe('202');
  await rm(folder, { recursive: true });
});
