// Logs requests that failed: a caller's mistake at level debug, a fault that affects many requests only once, and an
// unexpected fault with its stack.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FaultLog } from '../redis/fault-log.ts';

export interface Logs {
  log: Log;
  faults: FaultLog;
}

/** Logs that `req` failed with `error`. */
export function logFailure({ log, faults }: Logs, req: IncomingMessage, error: unknown): void {
  const request = { method: req.method, path: req.url?.split('?', 1)[0] };
  if (!(error instanceof Problem) || error.code === 'internal') {
    log.error('A request failed', { ...request, error });
    return;
  }
  log.debug('A request was refused', { ...request, code: error.code, detail: error.message });
  if (error.status === 503) faults.metByRequest(error);
}
