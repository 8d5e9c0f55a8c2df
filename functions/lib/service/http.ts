// What all handlers have in common: problems become RFC 9457 responses, and a fault is logged once.
import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { HttpFunction, Request, Response } from '@google-cloud/functions-framework';
import { Problem, problemBody } from '../errors.ts';
import { redisProblem } from '../redis/faults.ts';
import { CallerGone } from './caller-gone.ts';
import { withoutEventToken } from './event-path.ts';
import { logFailure, noteSuccess, type Logs } from './request-log.ts';

export type Handler = (req: Request, res: Response) => Promise<void>;

/** The most bytes of a JSON request or an event. Both are short; only images are large. */
export const MAX_DOCUMENT_BYTES = 64 * 1024;

/** Returns a function for the framework that answers errors of `handler`. */
export function answering(logs: Logs, handler: Handler): HttpFunction {
  return async (req, res) => {
    try {
      await handler(req, res);
      noteSuccess(logs, req);
    } catch (thrown) {
      const error = redisProblem(thrown);
      if (!isCallerGone(error)) logFailure(logs, req, error);
      else
        logs.log.debug('A caller closed the connection before it had its response', {
          method: req.method,
          path: withoutEventToken(req.path),
        });
      if (res.headersSent) res.destroy();
      else sendProblem(res, error);
    }
  };
}

/** Returns whether `error` means that the caller closed the connection. */
function isCallerGone(error: unknown): boolean {
  if (error instanceof CallerGone) return true;
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Answers `error` as `application/problem+json`. */
export function sendProblem(res: ServerResponse, error: unknown): void {
  writeProblem(res, error);
  res.end();
}

/** Writes the whole response to `error`, but does not end it. */
export function writeProblem(res: ServerResponse, error: unknown): void {
  const body = problemBody(error);
  if (error instanceof Problem && error.retryAfterSeconds !== undefined) {
    res.setHeader('retry-after', error.retryAfterSeconds);
  }
  if (body.code === 'unauthorized') res.setHeader('www-authenticate', 'Bearer realm="tessera"');
  write(res, body.status, body, 'application/problem+json');
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  write(res, status, body, 'application/json');
  res.end();
}

function write(res: ServerResponse, status: number, body: unknown, type: string): void {
  const text = `${JSON.stringify(body)}\n`;
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  res.write(text);
}

/**
 * Returns the request's body. `serve` has read it before the framework runs. Under the plain framework its
 * parsers have read it, unless the request has no content type.
 */
export async function bodyOf(req: Request): Promise<Buffer> {
  return req.rawBody ?? buffer(req);
}
