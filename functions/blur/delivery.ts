// Sends one event, and returns why it was not accepted. The reason may be shown to the image's owner, so it contains
// no address.
import type { EventMessage } from '../lib/events.ts';
import { traceHeaders } from '../lib/tracing/spans.ts';

const MAX_DETAIL_CHARS = 300;

export interface Receiver {
  url: string;
  /** Its name in the reason. */
  name: string;
}

/** Sends an event. Returns why it was not accepted, or null if it was. */
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
      signal,
    });
    const answer = await response.text();
    return response.ok ? null : `${name} answered ${response.status}${detailOf(answer)}`;
  } catch (error) {
    return reasonOf(name, error);
  }
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
