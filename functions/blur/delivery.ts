// Sends one event to assemble, and says in words why it was not taken. The words go into the image's record, where its
// owner reads them: they name no address.

const MAX_DETAIL_CHARS = 300;

/** Sends the event that image `imageId` is blurred to `sink`. Returns why it was not taken, or null when it was. */
export async function deliver(imageId: string, sink: string, signal: AbortSignal): Promise<string | null> {
  // Loaded with the first event, not with the process: a worker's first tile should not wait for it.
  const { imageBlurredMessage } = await import('../lib/events.ts');
  const { headers, body } = imageBlurredMessage(imageId);
  try {
    const response = await fetch(sink, { method: 'POST', headers, body, signal });
    const answer = await response.text();
    return response.ok ? null : `assemble answered ${response.status}${detailOf(answer)}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** What a problem document says, with a colon before it; '' for any other answer. */
function detailOf(answer: string): string {
  try {
    const { detail } = JSON.parse(answer) as { detail?: unknown };
    return typeof detail === 'string' ? `: ${detail.slice(0, MAX_DETAIL_CHARS)}` : '';
  } catch {
    return '';
  }
}

/** Why there was no answer. `fetch` gives the fault of the connection as the cause of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'assemble did not answer in time';
  const fault = (error as Error).cause ?? error;
  const { syscall, code, message } = fault as NodeJS.ErrnoException;
  return `assemble cannot be reached: ${syscall ? `${syscall} ${code}` : message || code}`;
}
