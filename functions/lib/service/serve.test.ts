import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { http, type Response } from '@google-cloud/functions-framework';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../../testing/until.ts';
import { createLog } from '../log.ts';
import { FaultLog } from '../redis/fault-log.ts';
import { serve, type Lifecycle } from './serve.ts';

// Other test files run in the same process: the replaced module is for this one only.
const stop = vi.hoisted(() => {
  vi.resetModules();
  return { controller: new AbortController() };
});
afterAll(() => void vi.resetModules());
vi.mock('./stop-signal.ts', () => ({
  get stopSignal() {
    return stop.controller.signal;
  },
}));

const DRAIN_MS = 5000;
const log = createLog('test', 'silent');
/** Responses of the function that have not been answered. */
let responses: Response[];
http('patient', (_req, res) => void responses.push(res));

/** The statuses with which the process was to be ended. */
let exits: unknown[];
let server: Server;

beforeEach(() => {
  responses = [];
  exits = [];
  stop.controller = new AbortController();
  // The time limits of a stop would go on after their test.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  // The process is the test runner's: it goes on, and its parent expects no port.
  vi.spyOn(process, 'exit').mockImplementation(((status) => void exits.push(status)) as typeof process.exit);
  if (process.send) vi.spyOn(process, 'send').mockReturnValue(true);
});

afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) server.close();
  stop.controller.abort();
  await until('the end', () => exits.length > 0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function start(lifecycle: Partial<Lifecycle> = {}): Promise<void> {
  server = await serve({
    target: 'patient',
    host: '127.0.0.1',
    port: 0,
    bodyLimit: () => 1000,
    minBytesPerS: 1,
    minUploadBytesPerS: 1,
    drainMs: DRAIN_MS,
    lifecycle: { isReady: () => true, close: async () => {}, ...lifecycle },
    log,
    faults: new FaultLog(log),
  });
}

/** Sends the first line of a request, and returns its connection when the server has read the line. */
async function begin(path: string): Promise<Socket> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\n`);
  const [peer] = await accepted;
  await until('the first line', () => peer.bytesRead > 0);
  return socket;
}

function complete(socket: Socket): void {
  socket.write('host: x\r\n\r\n');
}

describe('a function that stops', () => {
  it('is ready until then, and not any more afterwards', async () => {
    await start();
    const before = await begin('/health/ready');
    const after = await begin('/health/ready');
    complete(before);
    const [answer] = await once(before, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
    stop.controller.abort();
    complete(after);
    expect(await text(after)).toMatch(/^HTTP\/1\.1 503 .*Stopping/s);
  });

  it('closes the connection of a request that was in progress when it has the response', async () => {
    await start();
    const socket = await begin('/');
    complete(socket);
    await until('the request', () => responses.length === 1);
    stop.controller.abort();
    responses[0].end('done');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n.*done/is);
    await until('the end', () => exits.length > 0);
    expect(exits).toEqual([0]);
  });

  it('closes the connection of a request that came meanwhile when it has the response', async () => {
    await start();
    const socket = await begin('/');
    stop.controller.abort();
    complete(socket);
    await until('the request', () => responses.length === 1);
    responses[0].end('done');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n.*done/is);
  });

  it('cuts off requests that take too long, and then closes its own connections', async () => {
    let closed = false;
    await start({ close: async () => void (closed = true) });
    const socket = await begin('/');
    complete(socket);
    await until('the request', () => responses.length === 1);
    stop.controller.abort();
    vi.advanceTimersByTime(DRAIN_MS);
    await until('the end', () => exits.length > 0);
    expect(exits).toEqual([0]);
    expect(closed).toBe(true);
    expect(await text(socket).catch(() => '')).toBe('');
  });

  it('ends with status 1 if its own work does not end', async () => {
    await start({ drain: () => new Promise(() => {}) });
    stop.controller.abort();
    vi.advanceTimersByTime(DRAIN_MS);
    expect(exits).toEqual([]);
    vi.advanceTimersByTime(3000);
    expect(exits).toEqual([1]);
  });
});
