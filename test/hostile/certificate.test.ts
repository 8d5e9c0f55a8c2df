import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, globalAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { deliver } from '../../functions/blur/delivery.ts';
import { makeCertificate } from '../support/certificate.ts';

it('a receiver with the certificate of another host is refused, and the reason names no host', async () => {
  const files = await makeCertificate();
  const server = createServer({ cert: await readFile(files.certificate), key: await readFile(files.key) });
  const { ca } = globalAgent.options;
  try {
    globalAgent.options.ca = await readFile(files.certificate);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    // The certificate is for 127.0.0.1.
    const receiver = { url: `https://localhost:${(server.address() as AddressInfo).port}`, name: 'assemble' };
    const reason = await deliver({ headers: {}, body: '{}' }, receiver, AbortSignal.timeout(20_000));
    expect(reason).toBe('assemble has the certificate of another host');
  } finally {
    globalAgent.options.ca = ca;
    server.close();
    await files.remove();
  }
});
