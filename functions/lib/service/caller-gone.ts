// Notices that a caller has closed the connection before it had its answer, so that work for it can be dropped.
import type { ServerResponse } from 'node:http';

/** The work was dropped, because nobody waits for its result any more. */
export class CallerGone extends Error {
  constructor() {
    super('The caller closed the connection');
  }
}

/** Returns a signal that is aborted when `res` is closed: after it was sent, or because the caller has gone. */
export function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.closed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}
