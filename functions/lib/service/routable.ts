// Whether the framework can route a request. What it refuses by itself it would answer in HTML, or with nothing.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';

/** The framework answers these paths itself, for browsers that ask for them unasked. */
const FRAMEWORK_PATH = /^\/(favicon\.ico|robots\.txt)(\/|\?|$)/i;

/** Throws a {@link Problem} for a request that cannot be routed, as far as its head tells. */
export function assertRoutable({ url = '', httpVersion, headers }: IncomingMessage): void {
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new Problem('invalid-request', 'The request has no Host header.');
  }
  if (FRAMEWORK_PATH.test(url)) throw new Problem('not-found', `There is nothing at ${url}.`);
}

/** The {@link Problem} with a request that the framework gave back, with or without an error of its own. */
export function unroutable(error: unknown): unknown {
  if (error === undefined || error === null)
    return new Problem('not-found', 'There is nothing at this address.');
  const isMalformed =
    error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
  if (!isMalformed) return error;
  return new Problem('invalid-request', 'The path is not percent-encoded UTF-8.', { cause: error });
}
