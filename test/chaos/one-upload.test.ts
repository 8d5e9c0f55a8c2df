// What counts as an answer in a load run: a refusal before the upload is sent does, a lost connection does
// not.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { uploadOnce } from '../../chaos/one-upload.ts';

const bytes = Buffer.alloc(8 * 1024 * 1024);
const refusal = 'HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfull';
let server: Server;

async function listen(answer: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

afterEach(() => server.close());

it('accepts a refusal that arrives before everything is sent', async () => {
  const url = await listen((socket) => socket.write(refusal));
  expect(await uploadOnce(url, bytes)).toMatchObject({ status: 429, body: 'full' });
});

it('accepts one from a server that closes the connection right after it', async () => {
  const url = await listen((socket) => socket.end(refusal).resume());
  expect(await uploadOnce(url, bytes)).toMatchObject({ status: 429, body: 'full' });
});

it.each<[string, (socket: Socket) => void, RegExp]>([
  ['a connection that is closed without an answer', (socket) => socket.destroy(), /ECONNRESET|EPIPE|hang up/],
  ['an answer that is cut off', (socket) => socket.end(refusal.slice(0, -2)).resume(), /aborted/],
  ['an answer that is none', (socket) => socket.end('full').resume(), /Parse Error/],
])('does not accept %s', async (_, answer, message) => {
  await expect(uploadOnce(await listen(answer), bytes)).rejects.toThrow(message);
});
