import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../../testing/until.ts';
import { limitPipelining } from './pipelining.ts';

const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

let server: Server;
let socket: Socket;
/** Responses that the server was asked for. */
let responses: ServerResponse[];

beforeEach(async () => {
  responses = [];
  server = createServer(limitPipelining((_req, res) => void responses.push(res)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {}); // It is closed while it sends.
});

afterEach(async () => {
  socket.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('answers a few requests that are sent at once, in their order', async () => {
  socket.write(request.repeat(9) + request.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  await until('all requests', () => responses.length === 10);
  for (const [at, res] of responses.entries()) res.end(`answer ${at}`);
  const received = await text(socket);
  expect(received.match(/answer \d/g)).toEqual(Array.from({ length: 10 }, (_, at) => `answer ${at}`));
});

it('closes a connection with many requests that have no answer', async () => {
  socket.write(request.repeat(1900));
  const received = await text(socket);
  expect(received).toMatch(/^HTTP\/1\.1 400 .*"code":"invalid-request"/s);
  expect(received).toContain('More than 10 requests on this connection');
  expect(responses).toHaveLength(10);
});

it('closes it without another answer while one is sent', async () => {
  socket.write(request);
  await until('the request', () => responses.length === 1);
  responses[0]?.write('half an answer');
  await once(socket, 'readable');
  socket.write(request.repeat(100));
  expect(await text(socket).catch(() => '')).not.toContain('400');
  expect(responses).toHaveLength(10);
});

it('allows any number of requests one after another', async () => {
  for (let sent = 1; sent <= 30; sent++) {
    socket.write(request);
    await until('the request', () => responses.length === sent);
    responses.at(-1)?.end();
    await once(socket, 'data');
  }
  expect(socket.closed).toBe(false);
});
