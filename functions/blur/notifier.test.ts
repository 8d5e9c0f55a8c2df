// Tests the notifier alone: with notices in memory, and a server on loopback as the receiver.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../lib/log.ts';
import { recordOf } from '../lib/queue/image-record.ts';
import type { DueNotice } from '../lib/queue/notices.ts';
import { Notifier } from './notifier.ts';

const A = 'a'.repeat(24);
const fields = {
  state: 'done',
  name: 'a.png',
  recipe: '15',
  createdAt: '1000',
  endedAt: '2000',
  output: 'b',
};

function noticeOf(more: Partial<DueNotice> = {}): DueNotice {
  return { notice: `${A}:2000`, image: recordOf(A, fields, 0), isGivenUp: false, sendings: 1, ...more };
}

let due: DueNotice[];
let closed: string[];
/** Notices that are to be sent again, and after which first pause. */
let retried: string[];
/** How long the notices that were asked for are held back. */
let holds: Set<number>;
let logged: string[];
let received: string[];
/** The receiver's answer; 0 for none. */
let status: number;
let server: Server;
let url: string;

beforeEach(async () => {
  [due, closed, retried, logged, received, status] = [[], [], [], [], [], 204];
  holds = new Set();
  server = createServer((req, res) => {
    received.push(String(req.headers['ce-id']));
    req.resume().on('end', () => status !== 0 && res.writeHead(status).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=secret`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function notify(sink: string | null, close = async (notice: string) => void closed.push(notice)) {
  const note = (message: string, more?: object) => void logged.push(`${message} ${JSON.stringify(more)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const notices = {
    next: async (holdMs: number) => {
      holds.add(holdMs);
      return due.shift() ?? null;
    },
    retry: async ({ notice }: { notice: string }, pauseMs: number) => {
      retried.push(`${notice} after ${pauseMs} ms`);
      return 'retried' as const;
    },
    close,
  };
  const locations = { input: () => null, output: () => null };
  const options = { doneSink: sink, doneTimeoutMs: 700, announceRetryMs: 30, maxAnnouncements: 1 };
  const notifier = new Notifier({ notices, locations, log }, options);
  await notifier.notify();
  await notifier.notified();
}

describe('the notifier', () => {
  it('closes a notice that was accepted', async () => {
    due.push(noticeOf());
    await notify(url);
    expect(received).toEqual([`${A}.done.2000`]);
    expect(closed).toEqual([`${A}:2000`]);
    expect(retried).toEqual([]);
  });

  it('keeps a notice that was not accepted, and logs why, without the address', async () => {
    due.push(noticeOf());
    status = 400;
    await notify(url);
    expect(closed).toEqual([]);
    expect(retried).toEqual([`${A}:2000 after 30 ms`]);
    expect(logged).toEqual([expect.stringContaining('the receiver answered 400')]);
    expect(logged.join()).not.toContain('secret');
  });

  it('sends a notice again only when the attempt is over, which has a limit', async () => {
    due.push(noticeOf());
    status = 0;
    await notify(url);
    expect(holds).toEqual(new Set([5700]));
    expect(retried).toEqual([`${A}:2000 after 30 ms`]);
    expect(logged).toEqual([expect.stringContaining('the receiver did not answer in time')]);
  });

  it('sends nothing for a notice that was given up, and logs it', async () => {
    due.push(noticeOf({ isGivenUp: true }));
    await notify(url);
    expect({ received, closed }).toEqual({ received: [], closed: [] });
    expect(logged).toEqual([expect.stringContaining('it was sent too often')]);
  });

  it('closes notices that are left from a receiver that is not set any more', async () => {
    due.push(noticeOf());
    await notify(null);
    expect({ received, closed }).toEqual({ received: [], closed: [`${A}:2000`] });
    expect(logged).toEqual([expect.stringContaining('DONE_SINK is not set any more')]);
  });

  it('sends the next notice although the last one could not be closed', async () => {
    due.push(noticeOf(), noticeOf({ notice: `${A}:3000` }));
    await notify(url, async () => Promise.reject(new Error('Redis is away')));
    expect(received).toHaveLength(2);
  });
});
