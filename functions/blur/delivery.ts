// Sends one event, and returns why it was not accepted. The reason may be shown to the image's owner, so it contains
// no address.
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { EventMessage } from '../lib/events.ts';
import { requestFor } from '../lib/service/node-http.ts';
import { traceHeaders } from '../lib/tracing/spans.ts';

/** How much of a body is read. The receiver decides how long it is. */
const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_DETAIL_CHARS = 300;

export interface Receiver {
  url: string;
  /** Its name in the reason. */
  name: string;
}

/**
 * Sends an event. Returns why it was not accepted, or null if it was. A redirect is not followed: most redirects turn
 * the POST into a GET without the event, and any page would then count as accepted.
 */
export async function deliver(
  message: EventMessage,
  { url, name }: Receiver,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await post(message, url, signal);
    const { statusCode: status = 0 } = response;
    if (status < 200 || status >= 400)
      return `${name} answered ${status}${detailOf(await startOf(response))}`;
    await leaveBody(response);
    return status >= 300 ? `${name} redirects (${status}), which is not followed` : null;
  } catch (error) {
    return reasonOf(name, error);
  }
}

/** Posts an event. Resolves with the response, whose body is still to come. */
async function post(
  message: EventMessage,
  url: string,
  signal: AbortSignal,
  agent?: false,
): Promise<IncomingMessage> {
  const request = await requestFor(url);
  const headers = { ...message.headers, ...traceHeaders() };
  const sending = request(url, { method: 'POST', headers, signal, agent });
  try {
    return await responseTo(sending.end(message.body));
  } catch (error) {
    // The receiver may close a kept connection at the moment when it is used again. That does not count as a refusal,
    // so the event is sent once more, on a connection of its own.
    if (sending.reusedSocket && !signal.aborted) return post(message, url, signal, false);
    throw error;
  }
}

/** Resolves with the response to a request. The status counts, whatever happens to the connection afterwards. */
function responseTo(sending: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sending.on('response', (response) => resolve(response.on('error', () => {})));
    sending.on('error', reject);
    // A receiver that switches to another protocol causes neither.
    sending.on('close', () => reject(new Error('the connection was closed before the status')));
  });
}

/** Leaves a body. The status alone decides, so one that breaks or never ends does not matter. */
async function leaveBody(response: IncomingMessage): Promise<void> {
  // The connection can be used again only if nothing more arrives on it.
  if (response.complete) await once(response.resume(), 'end');
  else response.destroy();
}

/** Returns the start of a body, or less of it if it breaks off or takes too long. */
async function startOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_ANSWER_BYTES) break;
    }
  } catch {
    // The status is enough.
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ANSWER_BYTES);
}

/** Returns the detail of a problem document, with a colon before it; '' for any other response. */
function detailOf(answer: string): string {
  try {
    const { detail } = JSON.parse(answer) as { detail?: unknown };
    return typeof detail === 'string' ? `: ${detail.slice(0, MAX_DETAIL_CHARS)}` : '';
  } catch {
    return '';
  }
}

/** Returns why there was no response. An aborted request has the signal's reason as its cause. */
function reasonOf(name: string, error: unknown): string {
  const fault = (error as Error).cause ?? error;
  const { name: kind, syscall, code, message } = fault as NodeJS.ErrnoException;
  if (kind === 'TimeoutError') return `${name} did not answer in time`;
  // The message has the addresses that the certificate is for.
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${name} has the certificate of another host`;
  return `${name} cannot be reached: ${syscall ? `${syscall} ${code}` : message || code}`;
}
