// The span of a request that a function receives. It says which route was called, how, and with which status; never the query, the
// file's name in it, or who called.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SpanContext } from '@opentelemetry/api';
import type { TracedSpan } from './traced-span.ts';
import { spanContextOf } from './trace-text.ts';
import { withoutEventToken } from '../service/event-path.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
/** Requests that only read are traced if their sender traces them: a page asks for the status every second. */
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const IMAGE_ID = /[0-9a-f]{24}/;

/** The span that a request belongs to, and the span that sent it if that is another one. */
export interface Sender {
  parent: SpanContext | undefined;
  link: SpanContext | undefined;
}

/** Returns what the headers of `req` say about its sender. An event names the span of its image; the request's own headers name the sender. */
export function senderOf({ headers }: IncomingMessage): Sender {
  const named = (prefix: string) =>
    spanContextOf({
      traceparent: headers[`${prefix}traceparent`]?.toString() ?? '',
      tracestate: headers[`${prefix}tracestate`]?.toString() ?? '',
    });
  const [image, hop] = [named('ce-'), named('')];
  return image ? { parent: image, link: hop } : { parent: hop, link: undefined };
}

export function isTraced({ method = '' }: IncomingMessage, { parent }: Sender): boolean {
  return parent !== undefined || !READING.has(method);
}

/** Returns the method; `_OTHER` for one that HTTP does not have. */
export function methodOf({ method = '' }: IncomingMessage): string {
  return METHODS.has(method) ? method : '_OTHER';
}

/** Completes `span` with how the request was answered, and ends it. */
export function endRequestSpan(span: TracedSpan, req: IncomingMessage, res: ServerResponse): void {
  if (!res.writableFinished) {
    span.fail('closed');
    return span.end();
  }
  span.set({ 'http.response.status_code': res.statusCode });
  // Only routes that exist are named. Any other path may contain anything.
  if (res.statusCode < 400) {
    const route = withoutEventToken(req.url ?? '')
      .split('?', 1)[0]
      .replace(IMAGE_ID, '{id}');
    span.set({ 'http.route': route });
    span.rename(`${methodOf(req)} ${route}`);
  }
  if (res.statusCode >= 500) span.fail(String(res.statusCode));
  span.end();
}
