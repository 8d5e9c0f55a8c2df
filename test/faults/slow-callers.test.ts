// Callers that send or read slowly, on purpose or not: they hold neither the memory that they announce nor
// other callers' places.
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { isFull } from '../support/full.ts';

const uploads = 8;
const clientShare = 0.9;
const declaredBytes = 100 * 1024 * 1024;

let server: RedisServer;
let split: FunctionProcess;
let url: URL;
const open: Socket[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  split = new FunctionProcess('split', {
    env: {
      REDIS_URL: server.url,
      MAX_UPLOADS: String(uploads),
      TRUSTED_PROXIES: '1',
      CLIENT_SHARE: String(clientShare),
    },
  });
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

interface SlowUpload {
  /** Sent at once. */
  bytes?: number;
  /** Sent twice a second from then on. */
  drop?: Buffer;
  /** The address that it claims to have. */
  from?: string;
}

/** An upload that announces many bytes, and sends few of them after its beginning. */
async function openSlowUpload({ bytes = 0, drop = Buffer.from('x'), from }: SlowUpload): Promise<Socket> {
  const socket = await connectTo();
  const headers = [
    'host: x',
    `content-length: ${declaredBytes}`,
    ...(from ? [`x-forwarded-for: ${from}`] : []),
  ];
  socket.write(`POST /?name=slow.png HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  if (bytes > 0) socket.write(Buffer.alloc(bytes));
  socket.on('error', () => {}); // A write to a connection that split has just closed.
  const drip = setInterval(() => socket.write(drop), 500);
  socket.once('close', () => clearInterval(drip));
  return socket;
}

async function openSlowUploads(count: number, upload: SlowUpload = {}): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => openSlowUpload(upload)));
}

async function post(name: string, from?: string): Promise<Response> {
  const headers: Record<string, string> = from ? { 'x-forwarded-for': from } : {};
  const body = await toPng(picture(60, 40), 3);
  return fetch(`${url.href}?name=${name}`, { method: 'POST', body, headers });
}

/** Returns the memory of split that is really used, in MB; 0 on systems that do not report it. */
async function residentMb(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const status = await readFile(`/proc/${split.pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('uploads that arrive byte by byte', () => {
  it('block nobody, and hold no memory for the bytes they announce', async () => {
    const before = await residentMb();
    const slow = await openSlowUploads(4 * uploads);
    const accepted = await post('first.png');
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as { id: string };
    for (const path of [`images/${id}`, 'images', 'health/live', 'health/ready']) {
      expect((await fetch(url.href + path)).status).toBe(200);
    }
    expect(slow.filter((socket) => socket.closed)).toEqual([]);
    expect((await residentMb()) - before).toBeLessThan(40);
  });

  it('are refused as too slow', async () => {
    const answers = (await openSlowUploads(uploads)).map((socket) => text(socket));
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatch(/^HTTP\/1.1 408 .*application\/problem\+json.*"code":"request-timeout"/s);
    }
  });
});

describe('while as many large uploads are open as may be', () => {
  beforeEach(async () => {
    await until('all of them to be open', async () => {
      // One at a time: an upload that arrives while the small one has the last place is refused.
      await openSlowUpload({ bytes: 2 * 1024 * 1024 });
      return (await post('more.png')).status === 429;
    });
  });

  it('another one is told to retry later, before its body has arrived', async () => {
    const socket = await connectTo();
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${declaredBytes}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 429 .*retry-after: 1\r\n.*"code":"too-many-uploads"/s);
  });

  it('requests for status are answered', async () => {
    for (const path of ['images', 'health/live', 'health/ready']) {
      expect((await fetch(url.href + path)).status).toBe(200);
    }
  });

  it('callers that close the connection make room at once', async () => {
    for (const socket of open) socket.destroy();
    expect((await post('good.png')).status).toBe(202);
  });
});

describe('uploads that send much first and then very little', () => {
  const bytes = 1_100_000; // A little more than is needed to get a place.

  it(
    'do not keep their places for long, from however many addresses they come',
    { timeout: 60_000 },
    async () => {
      const drop = Buffer.alloc(2500); // More than a body without a place has to send.
      for (let n = 0; n < uploads; n++) await openSlowUpload({ bytes, drop, from: `192.0.2.${n}` });
      await until(
        'all places to be taken',
        async () => (await post('more.png', '203.0.113.1')).status === 429,
      );
      await until('one to be free', async () => (await post('more.png', '203.0.113.1')).status === 202);
    },
  );

  it('take no more than the share of one client', async () => {
    await openSlowUploads(2 * uploads, { bytes, from: '192.0.2.1' });
    await until('its places to be taken', async () => (await post('more.png', '192.0.2.1')).status === 429);
    expect((await post('other.png', '192.0.2.2')).status).toBe(202);
  });
});

it('accepts many small uploads at once, one after another', async () => {
  const responses = await Promise.all(Array.from({ length: 3 * uploads }, (_, at) => post(`${at}.png`)));
  const taken = responses.filter((response) => response.status === 202);
  expect(taken.length).toBeGreaterThanOrEqual(Math.floor(uploads * clientShare)); // These are one caller's.
  expect(new Set(responses.map((response) => response.status))).toEqual(
    new Set(taken.length < responses.length ? [202, 429] : [202]),
  );
});

it.runIf(isFull)(
  'cuts off a caller that does not read its result, after a minute',
  { timeout: 180_000 },
  async () => {
    const logged: string[] = [];
    const pipeline = await Pipeline.start({
      env: { STORE: 'redis', LOG_LEVEL: 'debug' },
      maxWorkers: 1,
      onLog: (_name, line) => logged.push(line),
    });
    try {
      const { splitUrl } = pipeline;
      const raw = { width: 3000, height: 2000, channels: 3 as const };
      const noise = randomFillSync(Buffer.alloc(raw.width * raw.height * raw.channels));
      const body = Buffer.from(await sharp(noise, { raw }).png().toBuffer());
      const sent = await fetch(`${splitUrl}/?kernel=1`, { method: 'POST', body });
      const { id } = (await sent.json()) as { id: string };
      const result = `${splitUrl}/images/${id}/result`;
      await until('the result', async () => (await fetch(result, { method: 'HEAD' })).ok);

      const [response] = (await once(get(result), 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      await until(
        'the end',
        () => logged.some((line) => line.includes('does not read its response')),
        120_000,
      );
      response.destroy();
    } finally {
      await pipeline.stop();
    }
  },
);
