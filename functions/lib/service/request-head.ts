// What a request's first line and headers must have for the framework to take it. What it would refuse by itself it would
// answer in HTML, or with nothing.
import type { IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';

/** The framework answers these paths itself, for browsers that ask for them unasked. */
const FRAMEWORK_PATH = /^\/(favicon\.ico|robots\.txt)(\/|$)/i;

/** Throws a {@link Problem} for a request that the framework could not route. */
export function assertWellFormed({ url = '', httpVersion, headers }: IncomingMessage): void {
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new Problem('invalid-request', 'The request has no Host header.');
  }
  const [path] = url.split('?', 1);
  if (decoded(path) === null) {
    throw new Problem('invalid-request', `The path ${JSON.stringify(path)} is not percent-encoded UTF-8.`);
  }
  if (FRAMEWORK_PATH.test(path)) throw new Problem('not-found', `There is nothing at ${path}.`);
}

/** The text behind a percent-encoded path; null when there is none. */
function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
