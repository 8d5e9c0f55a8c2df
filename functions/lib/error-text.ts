// Formats errors for the log: what happened, why and where. Other properties of an error are left out. For
// example, ioredis attaches a command's arguments, which are pixels.
import { traceOf } from './error-subject.ts';
import { inSources } from './source-places.ts';

const MAX_MESSAGE = 1000;
const MAX_STACK = 8000;
/** How Redis repeats the arguments of an unknown command. */
const REPEATED_ARGUMENTS = /, with args beginning with:.*$/s;

/** Returns what went wrong, with its causes. */
export function messageOf(error: Error): string {
  const cause = error.cause === undefined ? '' : ` (cause: ${textOf(error.cause)})`;
  return `${headOf(error)}${cause}`;
}

/**
 * Returns where it went wrong, with its causes, as places in the sources, and where an error from elsewhere
 * was noticed.
 */
export function stackOf(error: Error): string {
  const parts = [`${headOf(error)}\n${framesOf(error)}`];
  const trace = traceOf(error);
  if (trace) parts.push(`Noticed\n${framesOf(trace)}`);
  if (error.cause instanceof Error) parts.push(`Caused by ${stackOf(error.cause)}`);
  return parts.join('\n').slice(0, MAX_STACK);
}

function textOf(value: unknown): string {
  return value instanceof Error ? messageOf(value) : String(value);
}

function headOf(error: Error): string {
  // If several addresses were tried, each has its own error.
  const parts = error instanceof AggregateError ? error.errors.map((each) => textOf(each)).join('; ') : '';
  const message = (error.message || parts).replace(REPEATED_ARGUMENTS, '');
  return `${error.name}: ${message.slice(0, MAX_MESSAGE)}`;
}

/** Returns only the frames, because a stack begins with the message, which {@link headOf} shows. */
export function framesOf({ stack = '' }: Error): string {
  const lines = stack.split('\n').filter((line) => /^ {4}at /.test(line));
  return inSources(lines.join('\n'));
}
