// A private S3 server that keeps everything in memory. For tests, and for trying STORE=s3 on one machine.
import { startFauxqs } from 'fauxqs';

export interface S3Server {
  port: number;
  stop(): Promise<void>;
}

/** Starts a server with these buckets; port 0 means a free one. It accepts all credentials. */
export async function startS3Server(buckets: string[], port = 0): Promise<S3Server> {
  const server = await startFauxqs({ port, logger: false, init: { buckets } });
  return { port: server.port, stop: () => server.stop() };
}
