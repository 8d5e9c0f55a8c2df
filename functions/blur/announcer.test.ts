// Tests the announcer alone: with a ledger in memory, and a server on loopback instead of assemble.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../lib/log.ts';
import type { DueEvent } from '../lib/queue/image-ledger.ts';
import { until } from '../testing/until.ts';
import { Announcer } from './announcer.ts';

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(24));

/** What is due, and what was asked and recorded. */
class FakeLedger {
  readonly events: DueEvent[] = [];
  readonly noted: string[] = [];
  readonly asked: string[] = [];
  fault: Error | null = null;

  async due(firstPauseMs: number, maxSendings: number): Promise<DueEvent | null> {
    if (this.fault) throw this.fault;
    this.asked.push(`${firstPauseMs} ms, ${maxSendings} times`);
    return this.events.shift() ?? null;
  }

  async noteFault(imageId: string, fault: string): Promise<void> {
    this.noted.push(`${imageId.slice(0, 1)}: ${fault}`);
  }

  add(...imageIds: string[]): void {
    this.events.push(...imageIds.map((imageId) => ({ imageId, isGivenUp: false })));
  }
}

let ledger: FakeLedger;
let server: Server;
/** Images whose event arrived. */
let received: string[];
let answer: (req: IncomingMessage, res: ServerResponse) => void;
let logged: string[];
let announcer: Announcer;

beforeEach(async () => {
  ledger = new FakeLedger();
  received = [];
  logged = [];
  answer = (_req, res) => res.writeHead(204).end();
  server = createServer((req, res) => {
    received.push(String(req.headers['ce-subject']));
    req.resume().on('end', () => answer(req, res));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  announcer = announcerTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function announcerTo(sink: string): Announcer {
  const note = (message: string) => void logged.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  return new Announcer(ledger, { sink, announceRetryMs: 700, maxAnnouncements: 9 }, log);
}

/** Returns a port that nobody listens on. */
async function closedPort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  other.close();
  await once(other, 'close');
  return port;
}

describe('the announcer', () => {
  it('sends the event of every image that is due, one after another', async () => {
    ledger.add(A, B);
    await announcer.announce();
    expect(received).toEqual([A, B]);
    expect(ledger.noted).toEqual([]);
    expect(ledger.asked).toEqual(['700 ms, 9 times', '700 ms, 9 times', '700 ms, 9 times']);
  });

  it('checks once more if it is called while it is sending', async () => {
    ledger.add(A);
    answer = (_req, res) => {
      if (received.length === 1) ledger.add(B);
      res.writeHead(204).end();
    };
    await Promise.all([announcer.announce(), announcer.announce()]);
    expect(received).toEqual([A, B]);
    expect(ledger.asked).toHaveLength(4);
  });

  it('works again after a call in which the ledger failed', async () => {
    ledger.fault = new Error('Redis is away');
    await expect(announcer.announce()).rejects.toThrow('Redis is away');
    ledger.fault = null;
    ledger.add(A);
    await announcer.announce();
    expect(received).toEqual([A]);
  });

  it('sends no event for an image that was given up, and logs it', async () => {
    ledger.events.push({ imageId: A, isGivenUp: true });
    ledger.add(B);
    await announcer.announce();
    expect(received).toEqual([B]);
    expect(logged).toEqual(['An image failed: its event was sent too often', 'Announced']);
  });
});

describe('an event that is not accepted', () => {
  const problem = JSON.stringify({ title: 'x', detail: 'The output folder is full.' });
  it.each<[what: string, status: number, body: string, noted: string]>([
    ['with a problem document', 503, problem, 'assemble answered 503: The output folder is full.'],
    ['with a page', 502, '<html>Bad gateway</html>', 'assemble answered 502'],
    ['with a document of another kind', 500, '{"detail":7}', 'assemble answered 500'],
    ['with a long detail', 500, JSON.stringify({ detail: 'x'.repeat(9999) }), `500: ${'x'.repeat(300)}`],
  ])('%s is recorded, and the next event is sent', async (_what, status, body, noted) => {
    ledger.add(A, B);
    answer = (_req, res) =>
      res.writeHead(received.length === 1 ? status : 204).end(received.length === 1 ? body : '');
    await announcer.announce();
    expect(received).toEqual([A, B]);
    expect(ledger.noted).toEqual([expect.stringMatching(new RegExp(`^a: .*${noted}$`))]);
  });

  it('because nothing listens there is recorded without the address', async () => {
    ledger.add(A);
    const port = await closedPort();
    await announcerTo(`http://127.0.0.1:${port}`).announce();
    expect(ledger.noted).toEqual(['a: assemble cannot be reached: connect ECONNREFUSED']);
  });

  it('because the host name is unknown is recorded', async () => {
    ledger.add(A);
    await announcerTo('http://nowhere.invalid').announce();
    expect(ledger.noted).toEqual([expect.stringMatching(/cannot be reached: getaddrinfo E/)]);
  });

  it('because the connection was cut is recorded', async () => {
    ledger.add(A);
    answer = (req) => req.socket.destroy();
    await announcer.announce();
    expect(ledger.noted).toEqual(['a: assemble cannot be reached: other side closed']);
  });
});

describe('an announcer that has to stop', () => {
  it('finishes the event it is sending, and sends no other', async () => {
    const mayAnswer = Promise.withResolvers<void>();
    ledger.add(A, B);
    answer = (_req, res) => void mayAnswer.promise.then(() => res.writeHead(204).end());
    const announcing = announcer.announce();
    await until('the first event', () => received.length === 1);
    const stopped = announcer.stop(60_000);
    mayAnswer.resolve();
    await Promise.all([announcing, stopped]);
    expect(received).toEqual([A]);
  });

  it('leaves an event that takes too long to other workers, and records no fault', async () => {
    ledger.add(A);
    answer = () => {};
    const announcing = announcer.announce();
    await until('the event', () => received.length === 1);
    await Promise.all([announcer.stop(1), announcing]);
    expect(ledger.noted).toEqual([]);
  });
});
