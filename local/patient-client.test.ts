// Against a fake split, which answers when the test wants it to.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../functions/testing/until.ts';
import { PatientClient } from './patient-client.ts';
import { SplitClient } from './split-client.ts';

let server: Server;
let over: AbortController;
let client: PatientClient;
let waiting: ServerResponse[];

beforeEach(async () => {
  waiting = [];
  server = createServer((request, response) => void request.resume().on('end', () => waiting.push(response)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  over = new AbortController();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new PatientClient(new SplitClient(url), over.signal);
});

afterEach(() => {
  over.abort();
  server.closeAllConnections();
  server.close();
});

async function answer(status: number, body: object): Promise<void> {
  const response = await until('a request', () => waiting.shift());
  response.writeHead(status, { 'retry-after': '0' }).end(JSON.stringify(body));
}

describe('an upload that split refuses for now', () => {
  it('is tried again, and its last refusal is known until split accepts it', async () => {
    const upload = client.upload('a.png', Buffer.from('png'), {});
    expect(client.refusal).toBe(null);
    await answer(429, { detail: 'no room' });
    await until('the refusal', () => client.refusal === 'no room');
    await answer(503, { detail: 'no Redis' });
    await until('the next refusal', () => client.refusal === 'no Redis');
    await answer(202, { id: 'a' });
    expect(await upload).toEqual({ id: 'a' });
    expect(client.refusal).toBe(null);
  });

  it('does not count as being read while it is tried again', async () => {
    const upload = client.upload('a.png', Buffer.from('png'), {}).catch((error: Error) => error.name);
    expect(client.isReading).toBe(true);
    await answer(429, { detail: 'no room' });
    await until('the next try', () => waiting.length === 1);
    expect(client.isReading).toBe(false);
    over.abort();
    expect(await upload).toBe('AbortError');
    expect(client.refusal).toBe(null);
  });
});
