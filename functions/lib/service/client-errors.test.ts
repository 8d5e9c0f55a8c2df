import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../testing/until.ts';
import { createLog } from '../log.ts';
import { answerClientErrors } from './client-errors.ts';

let server: Server;
const inProgress = new Set<ServerResponse>();

beforeAll(async () => {
  server = createServer(
    { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 },
    (req, res) => {
      inProgress.add(res);
      if (req.url === '/half') res.write('half an answer');
    },
  );
  answerClientErrors(server, inProgress, createLog('test', 'silent'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Returns everything that the server sends after these bytes, until it closes the connection. */
async function responseTo(bytes: string | Uint8Array): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

const get = 'GET / HTTP/1.1\r\nhost: x\r\n';
const post = 'POST / HTTP/1.1\r\nhost: x\r\n';

const cases: [what: string, bytes: string | Uint8Array, status: number, code: string][] = [
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid-request'],
  ['a TLS greeting', Buffer.from('160301020001', 'hex'), 400, 'invalid-request'],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'invalid-request'],
  ['an unknown method', 'BLUR / HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid-request'],
  ['a header without a colon', `${get}nonsense\r\n\r\n`, 400, 'invalid-request'],
  ['two lengths', `${post}content-length: 1\r\ncontent-length: 2\r\n\r\nx`, 400, 'invalid-request'],
  ['a length that is not a number', `${post}content-length: many\r\n\r\n`, 400, 'invalid-request'],
  [
    'a length and chunks',
    `${post}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    400,
    'invalid-request',
  ],
  ['a broken chunk', `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400, 'invalid-request'],
  ['headers without end', `${get}x: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ['a path without end', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431, 'headers-too-large'],
  ['a request that stops in its headers', get, 408, 'request-timeout'],
  ['a body that does not come', `${post}content-length: 9\r\n\r\n`, 408, 'request-timeout'],
  ['an expectation of its own', `${post}expect: a-miracle\r\n\r\n`, 417, 'expectation-failed'],
  ['a tunnel', 'CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n', 405, 'method-not-allowed'],
];

describe('a caller that sends', () => {
  it.each(cases)('%s gets a problem document', async (_what, bytes, status, code) => {
    const [head, body] = (await responseTo(bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} \\w`));
    expect(head.toLowerCase()).toContain('\r\ncontent-type: application/problem+json\r\n');
    expect(head.toLowerCase()).toContain('\r\nconnection: close');
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });
});

it('writes nothing into a response that is half sent', async () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.write('GET /half HTTP/1.1\r\nhost: x\r\n\r\n');
  await until('half an answer', () => received.includes('half an answer'));
  const half = received;
  socket.write('nonsense\r\n\r\n');
  await once(socket, 'close');
  expect(received).toBe(half);
});
