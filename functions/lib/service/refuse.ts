// Answers a request whose body was not read completely.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../errors.ts';
import { writeProblem } from './http.ts';
import { logFailure, type Logs } from './request-log.ts';

/** How long the rest of a refused body is read: many callers read no response before they have sent everything. */
const LINGER_MS = 10_000;

/** Answers `error`, then closes the connection: at once if the caller was too slow, otherwise when it has sent the rest. */
export function refuse(req: IncomingMessage, res: ServerResponse, error: unknown, logs: Logs): void {
  if (req.socket.destroyed) return; // The caller closed the connection while it was sending.
  logFailure(logs, req, error);
  res.setHeader('connection', 'close');
  writeProblem(res, error);
  const isTooSlow = error instanceof Problem && error.code === 'request-timeout';
  if (isTooSlow || req.readableEnded) {
    res.end();
    return;
  }
  const end = () => {
    clearTimeout(overdue);
    res.end();
  };
  const overdue = setTimeout(end, LINGER_MS);
  req.once('end', end).once('close', end).resume();
}
