// Sends one event to assemble, and says in words why it was not accepted. The words go into the image's
// record for its owner, so they contain no address.
import type { DueEvent } from '../lib/queue/image-ledger.ts';
import { traceAttributes, traceHeaders } from '../lib/tracing/spans.ts';

const MAX_DETAIL_CHARS = 300;

/**
 * Sends the event that image `imageId` with this `trace` is blurred to `sink`. Returns why it was not accepted, or null if it was.
 */
export async function deliver(
  { imageId, trace }: Pick<DueEvent, 'imageId' | 'trace'>,
  sink: string,
  signal: AbortSignal,
): Promise<string | null> {
  // Loaded with the first event, because a worker's first tile should not have to wait for it.
  const { imageBlurredMessage } = await import('../lib/events.ts');
  const { headers, body } = imageBlurredMessage(imageId, traceAttributes(trace));
  try {
    const response = await fetch(sink, {
      method: 'POST',
      headers: { ...headers, ...traceHeaders() },
      body,
      signal,
    });
    const answer = await response.text();
    return response.ok ? null : `assemble answered ${response.status}${detailOf(answer)}`;
  } catch (error) {
    return reasonOf(error);
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
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'assemble did not answer in time';
  const fault = (error as Error).cause ?? error;
  const { syscall, code, message } = fault as NodeJS.ErrnoException;
  return `assemble cannot be reached: ${syscall ? `${syscall} ${code}` : message || code}`;
}
