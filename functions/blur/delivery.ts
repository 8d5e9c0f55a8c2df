// Sends one event, and returns why it was not accepted. The reason may be shown to the image's owner, so it contains
// no address.
import type { EventMessage } from '../lib/events.ts';
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
 * Sends an event. Returns why it was not accepted, or null if it was. A redirect is not followed: `fetch` would
 * send a GET without the event to most of them, and any page there would count as accepted.
 */
export async function deliver(
  { headers, body }: EventMessage,
  { url, name }: Receiver,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, ...traceHeaders() },
      body,
      redirect: 'manual',
      signal,
    });
    if (!response.ok) return await refusalOf(name, response);
    await leaveBody(response);
    return null;
  } catch (error) {
    return reasonOf(name, error);
  }
}

/** Returns why a receiver that has answered did not accept the event. */
async function refusalOf(name: string, response: Response): Promise<string> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    await leaveBody(response);
    return `${name} redirects (${status}), which is not followed`;
  }
  return `${name} answered ${status}${detailOf(await startOf(response))}`;
}

/** Closes a body without reading it. The status alone decides, so a body that breaks does not matter. */
async function leaveBody({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => {});
}

/** Returns the start of a body, or less of it if it breaks off or takes too long. */
async function startOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
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

/** Returns why there was no response. `fetch` has the fault of the connection as the cause of its own error. */
function reasonOf(name: string, error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `${name} did not answer in time`;
  const fault = (error as Error).cause ?? error;
  const { syscall, code, message } = fault as NodeJS.ErrnoException;
  return `${name} cannot be reached: ${syscall ? `${syscall} ${code}` : message || code}`;
}
