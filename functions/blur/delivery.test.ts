// Tests one delivery against a server on loopback.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliver } from './delivery.ts';

const MEBIBYTE = 1024 * 1024;

let server: Server;
/** Requests that arrived: method and path. */
let received: string[];
let answer: (req: IncomingMessage, res: ServerResponse) => void;
/** Bytes of endless bodies that were taken from the server. */
let sentBytes: number;

beforeEach(async () => {
  [received, sentBytes] = [[], 0];
  server = createServer((req, res) => {
    received.push(`${req.method} ${req.url}`);
    req.resume().on('end', () => answer(req, res));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function send(signal: AbortSignal = AbortSignal.timeout(20_000)): Promise<string | null> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events?token=secret`;
  return deliver({ headers: { 'ce-id': '1' }, body: '{}' }, { url, name: 'the receiver' }, signal);
}

/** Answers with a body that does not end. */
function endless(status: number): typeof answer {
  function* chunks() {
    for (;;) {
      sentBytes += 64 * 1024;
      yield Buffer.alloc(64 * 1024, 'x');
    }
  }
  return (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    pipeline(Readable.from(chunks()), res, () => {}); // It ends when the connection is closed.
  };
}

describe('a receiver that redirects', () => {
  it.each([301, 302, 303, 307, 308])('with %i does not accept the event', async (status) => {
    answer = (req, res) => {
      if (req.url === '/page') res.end('<html>Please log in</html>');
      else res.writeHead(status, { location: '/page' }).end();
    };
    expect(await send()).toBe(`the receiver redirects (${status}), which is not followed`);
    expect(received).toEqual(['POST /events?token=secret']);
  });

  it('to nowhere does not accept the event either', async () => {
    answer = (_req, res) => res.writeHead(302).end();
    expect(await send()).toBe('the receiver redirects (302), which is not followed');
  });
});

describe("a receiver's body", () => {
  it.each([200, 202])('is not waited for when it has answered %i', async (status) => {
    answer = (_req, res) => {
      res.writeHead(status);
      res.write('something, and more some day');
    };
    expect(await send()).toBeNull();
  });

  it('without end is not read when the event is accepted', async () => {
    answer = endless(200);
    expect(await send()).toBeNull();
    expect(sentBytes).toBeLessThan(16 * MEBIBYTE);
  });

  it('without end is read only at its start when the event is not accepted', async () => {
    answer = endless(503);
    expect(await send()).toBe('the receiver answered 503');
    expect(sentBytes).toBeLessThan(16 * MEBIBYTE);
  });

  it('that stops half way does not hide the status', async () => {
    answer = (_req, res) => {
      res.writeHead(503);
      res.write('{"detail":');
    };
    expect(await send(AbortSignal.timeout(500))).toBe('the receiver answered 503');
  });
});

it('a receiver that sends no status in time has not accepted the event', async () => {
  answer = () => {};
  expect(await send(AbortSignal.timeout(500))).toBe('the receiver did not answer in time');
});

it.each([
  ['another protocol', { upgrade: 'websocket', connection: 'upgrade' }],
  ['nothing', {}],
])('a receiver that answers 101 and switches to %s has not accepted the event', async (_, headers) => {
  answer = (_req, res) => res.writeHead(101, headers).end();
  expect(await send()).toMatch(/^the receiver (answered 101|cannot be reached: the connection was closed)/);
});

describe('the connection', () => {
  /** Local ports of the connections that arrived. */
  let ports: Set<number>;
  beforeEach(() => {
    ports = new Set();
    server.on('connection', (socket) => ports.add(socket.remotePort ?? 0));
  });

  it.each([
    ['nothing', 204, ''],
    ['a short body', 202, 'accepted'],
    ['why it refuses', 503, '{"detail":"busy"}'],
  ])('to a receiver that answers with %s is used again', async (_, status, body) => {
    answer = (_req, res) => res.writeHead(status).end(body);
    for (let event = 0; event < 3; event++) await send();
    expect([received.length, ports.size]).toEqual([3, 1]);
  });

  it('to a receiver that has not finished its body is closed', async () => {
    answer = (_req, res) => res.writeHead(200).write('more to come');
    expect([await send(), await send()]).toEqual([null, null]);
    expect(ports.size).toBe(2);
  });

  it('that is closed just when it is used again does not cost the event an attempt', async () => {
    const used = new Set<Socket>();
    answer = (req, res) => {
      if (used.has(req.socket)) req.socket.destroy();
      else res.end();
      used.add(req.socket);
    };
    expect([await send(), await send(), await send()]).toEqual([null, null, null]);
    expect(received.length).toBeGreaterThan(3);
  });

  it('that is closed at every event is a fault', async () => {
    let isClosing = false;
    answer = (req, res) => (isClosing ? req.socket.destroy() : res.end());
    expect(await send()).toBeNull();
    isClosing = true;
    expect(await send()).toBe('the receiver cannot be reached: socket hang up');
    expect(received.length).toBe(3);
  });
});
