// Tests the announcer alone: with a ledger in memory, and a server on loopback instead of assemble.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../lib/log.ts';
import type { DueEvent } from '../lib/queue/image-ledger.ts';
import { until } from '../testing/until.ts';
import { Announcer } from './announcer.ts';
import { MOST_AT_ONCE } from './outbox-sender.ts';

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
    this.events.push(...imageIds.map((imageId) => ({ imageId, isGivenUp: false, trace: '' })));
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

/** Sends all events that are due, and waits for what becomes of them. */
async function announceAll(sender = announcer): Promise<void> {
  await sender.announce();
  await sender.announced();
}

/** Returns the ids of `count` images. */
function imagesOf(count: number): string[] {
  return Array.from({ length: count }, (_, at) => String(at).padStart(24, '0'));
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
  it('sends the event of every image that is due', async () => {
    ledger.add(A, B);
    await announceAll();
    expect(received.sort()).toEqual([A, B]);
    expect(ledger.noted).toEqual([]);
    expect(ledger.asked).toEqual(['700 ms, 9 times', '700 ms, 9 times', '700 ms, 9 times']);
  });

  it('sends at most four events at once', async () => {
    const open: ServerResponse[] = [];
    answer = (_req, res) => void open.push(res);
    ledger.add(...imagesOf(2 * MOST_AT_ONCE + 1));
    const announcing = announceAll();
    let most = 0;
    for (let ended = 0; ended < 2 * MOST_AT_ONCE + 1; ended++) {
      const wanted = Math.min(MOST_AT_ONCE, 2 * MOST_AT_ONCE + 1 - ended);
      await until(`${wanted} events to be on their way`, () => open.length >= wanted);
      most = Math.max(most, open.length);
      open.shift()?.writeHead(204).end();
    }
    await announcing;
    expect(MOST_AT_ONCE).toBe(4);
    expect(most).toBe(MOST_AT_ONCE);
    expect(received.sort()).toEqual(imagesOf(2 * MOST_AT_ONCE + 1));
  });

  it('does not wait for a slow event to send those that come due meanwhile', async () => {
    const mayAnswer = Promise.withResolvers<void>();
    answer = (req, res) => {
      const isSlow = req.headers['ce-subject'] === A;
      void (isSlow ? mayAnswer.promise : Promise.resolve()).then(() => res.writeHead(204).end());
    };
    ledger.add(A);
    await announcer.announce();
    ledger.add(B);
    await announcer.announce();
    await until('the second event to be accepted', () => logged.includes('Announced'));
    expect(received).toEqual([A, B]);
    mayAnswer.resolve();
    await announcer.announced();
    expect(logged).toEqual(['Announced', 'Announced']);
  });

  it('checks once more if it is called during a check, however often', async () => {
    const mayReply = Promise.withResolvers<void>();
    const due = ledger.due.bind(ledger);
    ledger.due = async (...policy) => {
      const next = await due(...policy);
      await mayReply.promise;
      return next;
    };
    const first = announcer.announce();
    await until('the first question', () => ledger.asked.length === 1);
    const further = [announcer.announce(), announcer.announce(), announcer.announce()];
    ledger.add(A);
    mayReply.resolve();
    await Promise.all([first, ...further]);
    await announcer.announced();
    expect(received).toEqual([A]);
    expect(ledger.asked).toHaveLength(3);
  });

  it('works again after a call in which the ledger failed', async () => {
    ledger.fault = new Error('Redis is away');
    await expect(announcer.announce()).rejects.toThrow('Redis is away');
    ledger.fault = null;
    ledger.add(A);
    await announceAll();
    expect(received).toEqual([A]);
  });

  it('sends the other events if the fault of one cannot be recorded', async () => {
    ledger.noteFault = () => Promise.reject(new Error('Redis is away'));
    ledger.add(A, B);
    answer = (_req, res) => res.writeHead(503).end();
    await announceAll();
    expect(received.sort()).toEqual([A, B]);
    expect(logged.filter((each) => each === 'The fault of an event could not be recorded')).toHaveLength(2);
  });

  it('sends no event for an image that was given up, and logs it', async () => {
    ledger.events.push({ imageId: A, isGivenUp: true, trace: '' });
    ledger.add(B);
    await announceAll();
    expect(received).toEqual([B]);
    expect(logged).toEqual(['An image failed: its event was sent too often', 'Announced']);
  });
});

describe('an event that is not accepted', () => {
  const problem = JSON.stringify({ title: 'x', detail: 'The output folder is full.' });
  it.each<[what: string, status: number, body: string, noted: string]>([
    ['with a problem document', 503, problem, 'assemble answered 503: The output folder is full.'],
    ['with a redirect', 302, '', 'assemble redirects \\(302\\), which is not followed'],
    ['with a page', 502, '<html>Bad gateway</html>', 'assemble answered 502'],
    ['with a document of another kind', 500, '{"detail":7}', 'assemble answered 500'],
    ['with a long detail', 500, JSON.stringify({ detail: 'x'.repeat(9999) }), `500: ${'x'.repeat(300)}`],
  ])('%s is recorded, and the other event is sent', async (_what, status, body, noted) => {
    ledger.add(A, B);
    answer = (req, res) => {
      const isRefused = req.headers['ce-subject'] === A;
      res.writeHead(isRefused ? status : 204).end(isRefused ? body : '');
    };
    await announceAll();
    expect(received.sort()).toEqual([A, B]);
    expect(ledger.noted).toEqual([expect.stringMatching(new RegExp(`^a: .*${noted}$`))]);
  });

  it('because nothing listens there is recorded without the address', async () => {
    ledger.add(A);
    const port = await closedPort();
    await announceAll(announcerTo(`http://127.0.0.1:${port}`));
    expect(ledger.noted).toEqual(['a: assemble cannot be reached: connect ECONNREFUSED']);
  });

  it('because the host name is unknown is recorded', async () => {
    ledger.add(A);
    await announceAll(announcerTo('http://nowhere.invalid'));
    expect(ledger.noted).toEqual([expect.stringMatching(/cannot be reached: getaddrinfo E/)]);
  });

  it('because the connection was cut is recorded', async () => {
    ledger.add(A);
    answer = (req) => req.socket.destroy();
    await announceAll();
    expect(ledger.noted).toEqual(['a: assemble cannot be reached: socket hang up']);
  });
});

describe('an announcer that has to stop', () => {
  it('finishes the events on their way, and sends no other', async () => {
    const mayAnswer = Promise.withResolvers<void>();
    const images = imagesOf(MOST_AT_ONCE + 1);
    ledger.add(...images);
    answer = (_req, res) => void mayAnswer.promise.then(() => res.writeHead(204).end());
    const announcing = announcer.announce();
    await until('the first events', () => received.length === MOST_AT_ONCE);
    const stopped = announcer.stop(60_000);
    mayAnswer.resolve();
    await Promise.all([announcing, stopped]);
    expect(received.sort()).toEqual(images.slice(0, MOST_AT_ONCE));
    expect(logged).toEqual(images.slice(0, MOST_AT_ONCE).map(() => 'Announced'));
  });

  it('leaves events that take too long to other workers, and records no fault', async () => {
    ledger.add(A, B);
    answer = () => {};
    await announcer.announce();
    await until('the events', () => received.length === 2);
    await announcer.stop(1);
    expect(ledger.noted).toEqual([]);
  });
});
