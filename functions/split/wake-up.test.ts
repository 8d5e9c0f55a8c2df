import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../testing/until.ts';
import { WakeUp } from './wake-up.ts';

let assemble: Server;
let url: string;
let requests: string[];

beforeEach(async () => {
  requests = [];
  assemble = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(503).end('starting');
  });
  await once(assemble.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(assemble.address() as AddressInfo).port}`;
});

afterEach(() => assemble.close());

describe('waking assemble', () => {
  it('is a request that changes nothing, whatever the path of its address and the answer', async () => {
    new WakeUp(`${url}/events`).send();
    await until('a request', () => requests.length > 0);
    expect(requests).toEqual(['GET /health/ready']);
  });

  it('is one request for images that begin shortly after each other', async () => {
    const wakeUp = new WakeUp(url);
    wakeUp.send();
    wakeUp.send();
    await until('a request', () => requests.length > 0);
    new WakeUp(url).send(); // Arrives after a second request of the first one would have.
    await until('the request of another one', () => requests.length > 1);
    expect(requests).toHaveLength(2);
  });

  it('fails silently where nothing listens, and does nothing without an address', async () => {
    assemble.close();
    await once(assemble, 'close');
    new WakeUp(url).send();
    new WakeUp(null).send();
    expect(requests).toEqual([]);
  });
});
