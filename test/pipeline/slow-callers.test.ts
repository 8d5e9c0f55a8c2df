// Callers that send or read slowly, on purpose or not: they hold neither the memory they announce nor anyone else's turn.
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

const uploads = 8;
const declaredBytes = 100 * 1024 * 1024;

let server: RedisServer;
let split: FunctionProcess;
let url: URL;
const open: Socket[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  split = new FunctionProcess('split', { env: { REDIS_URL: server.url, MAX_UPLOADS: String(uploads) } });
  url = new URL(await split.healthy());
});

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

afterAll(async () => {
  await split.stop();
  await server.stop();
});

async function connectTo(): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  open.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Uploads that announce much and send a byte now and then; resolves when all of them are under way. */
async function openSlowUploads(count: number): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, connectTo));
  for (const socket of sockets) {
    socket.write(`POST /?name=slow.png HTTP/1.1\r\nhost: x\r\ncontent-length: ${declaredBytes}\r\n\r\n`);
    const drip = setInterval(() => socket.write('x'), 500);
    socket.once('close', () => clearInterval(drip));
  }
  return sockets;
}

async function post(name: string): Promise<Response> {
  return fetch(`${url.href}?name=${name}`, { method: 'POST', body: await toPng(picture(60, 40), 3) });
}

/** Memory of split that is really there, in MB; 0 on systems that do not tell. */
async function residentMb(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const status = await readFile(`/proc/${split.pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('while as many slow uploads are open as may be', () => {
  it('status is answered, an upload more is told to come again, and no memory is held for what was announced', async () => {
    const accepted = (await (await post('first.png')).json()) as { id: string };
    const before = await residentMb();
    const slow = await openSlowUploads(uploads);
    await until('all of them to be open', async () => (await post('more.png')).status === 429);

    const refused = await post('more.png');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'too-many-uploads' });
    for (const path of [`images/${accepted.id}`, 'images', 'health/live', 'health/ready']) {
      expect((await fetch(url.href + path)).status).toBe(200);
    }
    expect(slow.filter((socket) => socket.closed)).toEqual([]);
    expect((await residentMb()) - before).toBeLessThan(40);
  });

  it('they are refused as too slow, and make room', async () => {
    const answers = (await openSlowUploads(uploads)).map((socket) => text(socket));
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatch(/^HTTP\/1.1 408 .*application\/problem\+json.*"code":"request-timeout"/s);
    }
    expect((await post('good.png')).status).toBe(202);
  });

  it('callers that go away make room at once', async () => {
    const slow = await openSlowUploads(uploads);
    await until('all of them to be open', async () => (await post('more.png')).status === 429);
    for (const socket of slow) socket.destroy();
    expect((await post('good.png')).status).toBe(202);
  });
});

it('takes many small uploads at once, each in its turn', async () => {
  const responses = await Promise.all(Array.from({ length: 3 * uploads }, (_, at) => post(`${at}.png`)));
  const taken = responses.filter((response) => response.status === 202);
  expect(taken.length).toBeGreaterThanOrEqual(uploads);
  expect(new Set(responses.map((response) => response.status))).toEqual(
    new Set(taken.length < responses.length ? [202, 429] : [202]),
  );
});
