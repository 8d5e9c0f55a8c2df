import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { until } from '../../testing/until.ts';
import { cutSlowReaders } from './slow-readers.ts';

const piece = Buffer.alloc(64 * 1024);
/** Far more than the system's buffers hold. */
const pieces = 2000;

let server: Server;
let inProgress: Set<ServerResponse>;
/** How each response ended: undefined if all of it was read. */
let ends: unknown[];

beforeEach(async () => {
  inProgress = new Set();
  ends = [];
  server = createServer((_req, res) => {
    inProgress.add(res);
    res.once('close', () => inProgress.delete(res));
    pipeline(Readable.from(Array<Buffer>(pieces).fill(piece)), res).then(
      () => ends.push(undefined),
      (error: unknown) => ends.push(error),
    );
  });
  cutSlowReaders(inProgress, { minBytesPerS: 1_000_000, patienceMs: 200 }, createLog('test', 'silent'), 20);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function ask(): Promise<IncomingMessage> {
  const [response] = (await once(get({ port: (server.address() as AddressInfo).port }), 'response')) as [
    IncomingMessage,
  ];
  response.on('error', () => {}); // Some are cut off; see `ends`.
  return response;
}

it('cuts off a caller that reads nothing', async () => {
  await ask();
  await until('the end', () => ends.length === 1);
  expect(ends[0]).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

it('cuts off a caller that reads a little now and then', async () => {
  const response = await ask();
  const sips = setInterval(() => response.read(10_000), 50);
  await until('the end', () => ends.length === 1);
  clearInterval(sips);
  expect(ends[0]).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

it('leaves alone a caller that reads steadily', async () => {
  const response = await ask();
  const gulps = setInterval(() => response.read(1_000_000), 5);
  await until('the end', () => ends.length === 1);
  clearInterval(gulps);
  expect(ends).toEqual([undefined]);
});
