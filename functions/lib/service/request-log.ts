// What is logged of a request that got no answer but a problem: the fault of a caller at debug, a fault that many requests
// meet once, and what nobody expected with its stack.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FaultLog } from '../redis/fault-log.ts';

export interface Logs {
  log: Log;
  faults: FaultLog;
}

/** Logs that `req` failed by `error`. */
export function logFailure({ log, faults }: Logs, req: IncomingMessage, error: unknown): void {
  const request = { method: req.method, path: req.url?.split('?', 1)[0] };
  if (!(error instanceof Problem) || error.code === 'internal') {
    log.error('A request failed', { ...request, error });
    return;
  }
  log.debug('A request was refused', { ...request, code: error.code, detail: error.message });
  if (error.status === 503) faults.metByRequest(error);
}
