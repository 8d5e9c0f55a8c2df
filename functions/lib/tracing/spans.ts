// Spans of OpenTelemetry. Unless start.ts switches tracing on, OpenTelemetry is not loaded and these functions do nothing.
// docs/adr/0021-traces.md has the shape of a trace.
import type { IncomingMessage, ServerResponse } from 'node:http';

export type Attributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  /** For the message that starts work elsewhere, and for the work that a message started. */
  kind?: 'producer' | 'consumer';
  attributes?: Attributes;
}

export interface Span {
  /**
   * Names the span for other processes: a `traceparent`, and a `tracestate` after a blank. '' if the span is not traced. An image's
   * record keeps it as `trace`.
   */
  readonly trace: string;
  set(attributes: Attributes): void;
  /** Runs `work` inside the span: spans that start there are its children, and log lines have its ids. */
  run<T>(work: () => T): T;
  /** Ends the span, with what went wrong if something did: an error, or a word. A span that is not ended is not sent. */
  end(fault?: unknown): void;
}

/** The ids of a span as the log shows them. The names are OpenTelemetry's. */
export interface SpanIds {
  trace_id: string;
  span_id: string;
}

/** `traceparent` and `tracestate`, as headers of a request or as attributes of a CloudEvent. */
export type TraceHeaders = Record<string, string>;

/** What open-telemetry.ts provides. The functions below say what each one does. */
export interface Tracer {
  startSpan(name: string, options: SpanOptions): Span;
  continueTrace(trace: string, name: string, options: SpanOptions): Span | null;
  standIn(trace: string, name: string, startedAt: number, options: SpanOptions): Span | null;
  traceRequest(req: IncomingMessage, res: ServerResponse, work: () => void): void;
  current(): (Span & { ids: SpanIds; headers: TraceHeaders }) | undefined;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

const untraced: Span = {
  trace: '',
  set() {},
  run: (work) => work(),
  end() {},
};

let tracer: Tracer | null = null;

/** Switches tracing on, or off with null. */
export function traceWith(given: Tracer | null): void {
  tracer = given;
}

/** Starts a child of the current span; without a current span, a new trace. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  return tracer?.startSpan(name, options) ?? untraced;
}

/**
 * Starts a span in an image's trace, below the span that `trace` names. Work of a request is a child of the request's span instead, if
 * that is in the same trace, and has a link to it if not. A span with a kind is a child of the image's span only, because
 * a worker sends the event of one image while it handles another. An image without a trace gets no spans.
 */
export function continueTrace(trace: string, name: string, options: SpanOptions = {}): Span {
  return (trace !== '' && tracer?.continueTrace(trace, name, options)) || untraced;
}

/**
 * Starts the span that `trace` names once more, because the process that started it at `startedAt` (ms since the epoch) died before
 * it could send it. Without it, its children would have no parent.
 */
export function standIn(trace: string, name: string, startedAt: number, options: SpanOptions = {}): Span {
  return (trace !== '' && tracer?.standIn(trace, name, startedAt, options)) || untraced;
}

/** Runs `work` in a span of the request `req`, which ends with its response. */
export function traceRequest(req: IncomingMessage, res: ServerResponse, work: () => void): void {
  if (tracer) tracer.traceRequest(req, res, work);
  else work();
}

/** Adds attributes to the current span. */
export function annotate(attributes: Attributes): void {
  tracer?.current()?.set(attributes);
}

/** Returns the ids of the current span; undefined if there is none. */
export function currentIds(): SpanIds | undefined {
  return tracer?.current()?.ids;
}

/** Returns the headers that tell the receiver of a request about the current span; none if there is none. */
export function traceHeaders(): TraceHeaders {
  return tracer?.current()?.headers ?? {};
}

/**
 * Returns the attributes of an event about an image with this `trace`, by CloudEvents' extension for distributed tracing. They name
 * the image's span, not the one that sends the event, so that an event sent again is the same event, and its receiver has a
 * parent even if its sender is killed.
 */
export function traceAttributes(trace: string): TraceHeaders {
  if (trace === '') return {};
  const [traceparent, tracestate] = trace.split(' ', 2);
  return { traceparent, ...(tracestate && { tracestate }) };
}

/** Sends the spans that have ended, without waiting for more. Returns at once. */
export function flushSpans(): void {
  void tracer?.flush();
}

/** Sends the last spans. Resolves when they are sent or lost. */
export async function endTracing(): Promise<void> {
  await tracer?.stop();
}
