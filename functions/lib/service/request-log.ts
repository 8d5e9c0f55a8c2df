// Logs requests that failed: a caller's mistake at level debug, a fault that affects many requests only once, and an
// unexpected fault with its stack.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FaultLog } from '../redis/fault-log.ts';
import { isOutOfMemory } from '../redis/faults.ts';
import { withoutEventToken } from './event-path.ts';

export interface Logs {
  log: Log;
  faults: FaultLog;
}

/** Logs that `req` failed with `error`. */
export function logFailure({ log, faults }: Logs, req: IncomingMessage, error: unknown): void {
  const request = { method: req.method, path: withoutEventToken(req.url ?? '').split('?', 1)[0] };
  if (!(error instanceof Problem) || error.code === 'internal') {
    log.error('A request failed', { ...request, error });
    return;
  }
  log.debug('A request was refused', { ...request, code: error.code, detail: error.message });
  if (error.status === 503 || isOutOfMemory(error.cause)) faults.metByRequest(wishOf(req), error);
}

/** Notes that `req` was answered, so that a fault that such requests met can be over. */
export function noteSuccess({ faults }: Logs, req: IncomingMessage): void {
  faults.requestSucceeded(wishOf(req));
}

/** Returns what a request wants: the method and the first part of the path, without any image's id. */
function wishOf({ method, url = '' }: IncomingMessage): string {
  return `${method} /${url.split(/[/?]/, 2)[1] ?? ''}`;
}
