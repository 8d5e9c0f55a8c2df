// What every function's handler does alike: problems become RFC 9457 answers, and a fault is logged once.
import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { HttpFunction, Request, Response } from '@google-cloud/functions-framework';
import { Problem, problemBody } from '../errors.ts';
import type { Log } from '../log.ts';
import { redisProblem } from '../redis/connection.ts';

export type Handler = (req: Request, res: Response) => Promise<void>;

/** The most bytes of a JSON request or an event. Both are short; only images are large. */
export const MAX_DOCUMENT_BYTES = 64 * 1024;

/** A function for the framework that answers what `handler` throws. */
export function answering(log: Log, handler: Handler): HttpFunction {
  return async (req, res) => {
    try {
      await handler(req, res);
    } catch (thrown) {
      const error = redisProblem(thrown);
      const isFault = !(error instanceof Problem) || error.status >= 500;
      if (isFault) log.error('A request failed', { method: req.method, path: req.path, error });
      if (res.headersSent) res.destroy();
      else sendProblem(res, error);
    }
  };
}

/** Answers `error` as `application/problem+json`. */
export function sendProblem(res: ServerResponse, error: unknown): void {
  const body = problemBody(error);
  if (error instanceof Problem && error.retryAfterSeconds !== undefined) {
    res.setHeader('retry-after', error.retryAfterSeconds);
  }
  if (body.code === 'unauthorized') res.setHeader('www-authenticate', 'Bearer realm="tessera"');
  send(res, body.status, body, 'application/problem+json');
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  send(res, status, body, 'application/json');
}

function send(res: ServerResponse, status: number, body: unknown, type: string): void {
  const text = `${JSON.stringify(body)}\n`;
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

/**
 * The request's body. `serve` has read it whole before the framework got to it; under the plain framework its parsers
 * have, unless the request came without a content type.
 */
export async function bodyOf(req: Request): Promise<Buffer> {
  return req.rawBody ?? buffer(req);
}
