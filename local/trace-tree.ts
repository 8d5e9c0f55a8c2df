// Prints a trace as a tree: one line per span, children below their parent in the order they started.
import type { ReceivedSpan } from './otlp-receiver.ts';

/** Attributes that are shown behind a span's name. */
const SHOWN = ['tile', 'attempt', 'tiles', 'attempts', 'reclaims', 'resumed', 'outcome'];

/** Returns the lines of the spans of one trace. A span whose parent was not received is shown as a root. */
export function traceTree(spans: ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const start = Math.min(...spans.map(({ startMs }) => startMs));
  const childrenOf = (parent: string | null) =>
    spans
      .filter((span) => (ids.has(span.parentSpanId) ? span.parentSpanId : null) === parent)
      .sort((a, b) => a.startMs - b.startMs);
  const linesOf = (span: ReceivedSpan, depth: number): string[] => [
    lineOf(span, depth, start),
    ...childrenOf(span.spanId).flatMap((child) => linesOf(child, depth + 1)),
  ];
  return childrenOf(null).flatMap((root) => linesOf(root, 0));
}

function lineOf(span: ReceivedSpan, depth: number, start: number): string {
  const { name, service, pid, attributes, startMs, endMs } = span;
  const shown = SHOWN.flatMap((key) => {
    const value = attributes[`tessera.${key}`];
    return value === undefined || value === false ? [] : [`${key} ${value}`];
  });
  const status = attributes['http.response.status_code'];
  if (status !== undefined) shown.push(String(status));
  if (span.isError) shown.push(`failed: ${attributes['error.type']}`);
  const what = [`${'  '.repeat(depth)}${name}`, ...shown].join('  ');
  const who = `${service.replace(/^tessera-/, '')} ${pid}`;
  return `${(startMs - start).toFixed(0).padStart(7)} ms ${(endMs - startMs).toFixed(1).padStart(8)} ms  ${who.padEnd(16)} ${what}`;
}
