import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../testing/until.ts';
import { Problem } from '../errors.ts';
import { assertAcceptable, readBody } from './body.ts';

const limits = {
  maxBytes: 4_000_000,
  pace: { minBytesPerS: 1000, patienceMs: 2000 },
  place: {
    take: () => {
      asked = true;
      return place.promise;
    },
    pace: { minBytesPerS: 100_000, patienceMs: 2000 },
  },
};

/** The place that a body asks for, and whether it has asked. */
let place: PromiseWithResolvers<void>;
let asked: boolean;
/** Bytes of the body that the server has read. */
let received: number;
/** The pieces in which it has read them. */
let chunks: Buffer[];
let server: Server;
let socket: Socket;
/** The outcome of the body of the one request of each test. */
let outcome: Promise<Buffer>;

beforeEach(async () => {
  asked = false;
  received = 0;
  chunks = [];
  place = Promise.withResolvers();
  outcome = new Promise((resolve, reject) => {
    server = createServer((req) => {
      req.on('data', (chunk: Buffer) => {
        received += chunk.length;
        chunks.push(chunk);
      });
      readBody(req, limits).then(resolve, reject);
    });
  });
  outcome.catch(() => {}); // Each test checks it.
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
});

afterEach(async () => {
  socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function sendHead(...headers: string[]): void {
  socket.write(['POST / HTTP/1.1', 'host: x', ...headers, '', ''].join('\r\n'));
}

function sendChunk(bytes: Uint8Array): void {
  socket.write(`${bytes.length.toString(16)}\r\n`);
  socket.write(bytes);
  socket.write('\r\n');
}

describe('readBody', () => {
  const body = randomBytes(4_000_000);

  beforeEach(() => place.resolve());

  it('reads a body with a declared length', async () => {
    sendHead(`content-length: ${body.length}`);
    socket.write(body);
    expect((await outcome).equals(body)).toBe(true);
  });

  it('reads a body that comes in chunks', async () => {
    sendHead('transfer-encoding: chunked');
    for (let at = 0; at < body.length; at += 700_000) sendChunk(body.subarray(at, at + 700_000));
    socket.write('0\r\n\r\n');
    expect((await outcome).equals(body)).toBe(true);
  });

  it('keeps none of the chunks in memory, because many small ones would take a lot of it', async () => {
    const small = body.subarray(0, 2000);
    sendHead('transfer-encoding: chunked');
    for (const byte of small) sendChunk(Buffer.of(byte));
    await until('all bytes to be read', () => received === small.length);
    expect(chunks).toHaveLength(small.length);
    expect(chunks.filter(({ length }) => length > 0)).toEqual([]);
    socket.write('0\r\n\r\n');
    expect((await outcome).equals(small)).toBe(true);
  });

  it.each(['content-length: 0', 'x-nothing: 1'])('reads no body with "%s"', async (header) => {
    sendHead(header);
    expect(await outcome).toHaveLength(0);
  });

  it('refuses a body that turns out larger than allowed', async () => {
    sendHead('transfer-encoding: chunked');
    sendChunk(body);
    sendChunk(Buffer.from('!'));
    await expect(outcome).rejects.toMatchObject({ code: 'body-too-large', status: 413 });
  });

  it('refuses a body of which nothing arrives', async () => {
    sendHead('content-length: 100000');
    await expect(outcome).rejects.toMatchObject({ code: 'request-timeout', status: 408 });
  });

  it('refuses a body that arrives byte by byte', async () => {
    sendHead('content-length: 100000');
    const drip = setInterval(() => socket.write('.'), 100);
    await expect(outcome).rejects.toMatchObject({ code: 'request-timeout' });
    clearInterval(drip);
  });

  it('fails when the caller closes the connection', async () => {
    sendHead('content-length: 100000');
    socket.write('half');
    socket.end();
    await expect(outcome).rejects.toThrow('closed the connection after 4 bytes');
  });
});

describe('readBody takes a place', () => {
  it('for a small body when all of it has arrived', async () => {
    sendHead('content-length: 4');
    socket.write('abc');
    await until('the first bytes to be read', () => received === 3);
    expect(asked).toBe(false);
    socket.write('d');
    await until('a place to be asked for', () => asked);
    place.resolve();
    expect(String(await outcome)).toBe('abcd');
  });

  it.each(['content-length: 3000000', 'transfer-encoding: chunked'])(
    'for a large body early, and reads no more until it has the place, with "%s"',
    async (header) => {
      const body = randomBytes(3_000_000);
      sendHead(header);
      if (header.includes('chunked')) sendChunk(body);
      else socket.write(body);
      socket.write(header.includes('chunked') ? '0\r\n\r\n' : '');
      await until('a place to be asked for', () => asked);
      await sleep(limits.pace.patienceMs + 1500); // Longer than a caller may pause, but here the server pauses.
      place.resolve();
      expect((await outcome).equals(body)).toBe(true);
    },
  );

  it('and requires a faster pace from then on, whatever was sent before', async () => {
    place.resolve();
    sendHead('content-length: 3000000');
    socket.write(Buffer.alloc(2_000_000));
    // Fast enough for a body without a place, and fast enough on average as well.
    const drip = setInterval(() => socket.write(Buffer.alloc(500)), 100);
    await expect(outcome).rejects.toMatchObject({ code: 'request-timeout' });
    clearInterval(drip);
  });

  it('or is refused', async () => {
    sendHead('content-length: 3');
    socket.write('abc');
    await until('a place to be asked for', () => asked);
    place.reject(new Problem('too-many-uploads', 'No place.'));
    await expect(outcome).rejects.toMatchObject({ code: 'too-many-uploads' });
  });
});

describe('assertAcceptable', () => {
  it.each([
    {},
    { 'content-length': '100' },
    { 'content-encoding': 'Identity' },
    { 'content-encoding': '' },
    { 'transfer-encoding': 'Chunked' },
  ])('accepts a body with the headers %j', (headers) => {
    expect(() => assertAcceptable(headers, 100)).not.toThrow();
  });

  it.each([
    [{ 'content-length': '101' }, 'body-too-large'],
    [{ 'content-length': '9'.repeat(400) }, 'body-too-large'],
    [{ 'content-encoding': 'gzip' }, 'unsupported-encoding'],
    [{ 'transfer-encoding': 'gzip, chunked' }, 'unsupported-encoding'],
  ])('refuses a body with the headers %j', (headers, code) => {
    expect(() => assertAcceptable(headers, 100)).toThrow(expect.objectContaining({ code }));
  });
});
