import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { Problem } from '../errors.ts';
import { createLog } from '../log.ts';
import { FaultLog } from '../redis/fault-log.ts';
import { refuse } from './refuse.ts';

const log = createLog('test', 'silent');
let server: Server;

async function listen(error: unknown): Promise<number> {
  server = createServer((req, res) => refuse(req, res, error, { log, faults: new FaultLog(log) }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('answers before the body has arrived, and reads the rest', async () => {
  const socket = connect(await listen(new Problem('body-too-large', 'Too large.')), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 413 .*"code":"body-too-large"/s);
  // Had the server closed the connection by now, this would end in an error.
  socket.end(Buffer.alloc(50_000_000));
  await once(socket, 'close');
});

it('closes the connection at once if the caller was too slow', async () => {
  const socket = connect(await listen(new Problem('request-timeout', 'Too slow.')), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc');
  expect(await text(socket)).toContain('HTTP/1.1 408 ');
});

it('shows nothing of a fault that the caller did not cause', async () => {
  const port = await listen(new Error('secret'));
  const response = await fetch(`http://127.0.0.1:${port}`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret');
});
