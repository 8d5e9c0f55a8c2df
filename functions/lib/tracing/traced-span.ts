// A span of the OpenTelemetry SDK, with the current span kept for whatever it runs.
import { AsyncLocalStorage } from 'node:async_hooks';
import { SpanStatusCode, type Span as ApiSpan, type SpanContext } from '@opentelemetry/api';
import type { Attributes, Span, SpanIds, TraceHeaders } from './spans.ts';
import { formatTrace, headersOf } from './trace-text.ts';

const active = new AsyncLocalStorage<TracedSpan>();

export class TracedSpan implements Span {
  readonly #span: ApiSpan;

  constructor(span: ApiSpan) {
    this.#span = span;
  }

  /** The span whose work is running; undefined if there is none. */
  static get current(): TracedSpan | undefined {
    return active.getStore();
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }

  get trace(): string {
    return formatTrace(this.context);
  }

  get ids(): SpanIds {
    return { trace_id: this.context.traceId, span_id: this.context.spanId };
  }

  get headers(): TraceHeaders {
    return headersOf(this.context);
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  run<T>(work: () => T): T {
    return active.run(this, work);
  }

  /** An error's message may contain file names or addresses, so only its kind is sent. The log has the rest. */
  end(fault?: unknown): void {
    if (fault !== undefined) this.fail(kindOf(fault));
    this.#span.end();
  }

  fail(kind: string): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.setAttribute('error.type', kind);
  }
}

/** Returns the code of an error, or its class if it has none. Returns a string as it is. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
