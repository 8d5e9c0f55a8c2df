// One upload on its own connection, as curl sends it.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface UploadAnswer {
  status: number;
  body: string;
  /** From the request, including its connection, to the whole answer. */
  ms: number;
}

const TIMEOUT_MS = 60_000;

/**
 * Posts `bytes` to `url`. A server that refuses an upload may answer before all of it has arrived, and close
 * the connection. Then the caller has its answer and stops sending. Throws if no complete answer arrives.
 */
export async function uploadOnce(url: string, bytes: Uint8Array): Promise<UploadAnswer> {
  const startedAt = performance.now();
  const sending = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'image/png', 'content-length': bytes.length },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.on('error', () => {}); // `answered` throws errors before an answer.
  sending.end(bytes);
  try {
    const [response] = await answered;
    const body = await text(response);
    return { status: response.statusCode ?? 0, body, ms: performance.now() - startedAt };
  } finally {
    sending.destroy();
  }
}
