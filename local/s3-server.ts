// A private S3 server that keeps everything in memory. For tests, and for trying STORE=s3 on one machine.
import type { AddressInfo } from 'node:net';
import { buildApp } from 'fauxqs';

/** What a single PUT may have on AWS. */
const LARGEST_BODY_BYTES = 5 * 1024 ** 3;

export interface S3Server {
  port: number;
  stop(): Promise<void>;
}

/** Starts a server on loopback with these buckets; port 0 means a free one. It accepts all credentials. */
export async function startS3Server(buckets: string[], port = 0): Promise<S3Server> {
  const app = buildApp({ logger: false });
  // Every body is an object's bytes. By default the server refuses large ones, and reads as form fields what
  // `curl --data-binary` sends.
  app.removeContentTypeParser(['application/x-www-form-urlencoded', '*']);
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: LARGEST_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  await app.listen({ port, host: '127.0.0.1' });
  for (const bucket of buckets) await app.inject({ method: 'PUT', url: `/${bucket}` });
  return { port: (app.server.address() as AddressInfo).port, stop: () => app.close() };
}
