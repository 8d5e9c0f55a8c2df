// A private S3 server that keeps everything in memory. For tests, and for trying STORE=s3 on one machine.
import type { AddressInfo } from 'node:net';
import { buildApp } from 'fauxqs';

export interface S3Server {
  port: number;
  stop(): Promise<void>;
}

/** Starts a server on loopback with these buckets; port 0 means a free one. It accepts all credentials. */
export async function startS3Server(buckets: string[], port = 0): Promise<S3Server> {
  const app = buildApp({ logger: false });
  await app.listen({ port, host: '127.0.0.1' });
  for (const bucket of buckets) await app.inject({ method: 'PUT', url: `/${bucket}` });
  return { port: (app.server.address() as AddressInfo).port, stop: () => app.close() };
}
