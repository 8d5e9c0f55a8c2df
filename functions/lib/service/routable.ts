// Checks whether the framework can route a request. If it cannot, it would answer in HTML, or not at all.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';

/** The framework answers these paths itself, because browsers request them on their own. */
const FRAMEWORK_PATH = /^\/(favicon\.ico|robots\.txt)(\/|\?|$)/i;

/** Throws a {@link Problem} for a request that cannot be routed, as far as its head shows. */
export function assertRoutable({ url = '', httpVersion, headers }: IncomingMessage): void {
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new Problem('invalid-request', 'The request has no Host header.');
  }
  if (FRAMEWORK_PATH.test(url)) throw new Problem('not-found', `There is nothing at ${url}.`);
}

/** Returns the {@link Problem} of a request that the framework passed back, with or without an error. */
export function unroutable(error: unknown): unknown {
  if (error === undefined || error === null)
    return new Problem('not-found', 'There is nothing at this address.');
  const isMalformed =
    error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
  if (!isMalformed) return error;
  return new Problem('invalid-request', 'The path is not percent-encoded UTF-8.', { cause: error });
}
