// A span's place in its trace, as text: W3C `traceparent`, and `tracestate` after a blank if there is one.
import { ROOT_CONTEXT, trace as api, type SpanContext } from '@opentelemetry/api';
import { TraceState, W3CTraceContextPropagator } from '@opentelemetry/core';
import type { TraceHeaders } from './spans.ts';

/** The longest `tracestate` that is passed on, because the record of an image has to fit into its share of Redis. */
const MAX_STATE = 128;

const propagator = new W3CTraceContextPropagator();
const getter = {
  get: (headers: TraceHeaders, name: string) => headers[name],
  keys: (headers: TraceHeaders) => Object.keys(headers),
};

/** Returns the headers that name a span; none for an invalid one. */
export function headersOf(context: SpanContext): TraceHeaders {
  const headers: TraceHeaders = {};
  propagator.inject(api.setSpanContext(ROOT_CONTEXT, context), headers, {
    set: (carrier, name, value) => {
      if (value !== '') carrier[name] = value;
    },
  });
  return headers;
}

/** Returns the span that headers name; undefined if they name none. */
export function spanContextOf(headers: TraceHeaders): SpanContext | undefined {
  const context = api.getSpanContext(propagator.extract(ROOT_CONTEXT, headers, getter));
  return context?.traceState
    ? { ...context, traceState: shortened(context.traceState.serialize()) }
    : context;
}

export function formatTrace(context: SpanContext): string {
  const { traceparent = '', tracestate } = headersOf(context);
  return tracestate === undefined ? traceparent : `${traceparent} ${tracestate}`;
}

/** Returns the span that a text of {@link formatTrace} names; undefined if it names none. */
export function parseTrace(text: string): SpanContext | undefined {
  const [traceparent, tracestate = ''] = text.split(' ', 2);
  return spanContextOf({ traceparent, tracestate });
}

/** Returns as many of the first entries as fit. The newest entry comes first. */
function shortened(state: string): TraceState {
  const kept = state.length <= MAX_STATE ? state : state.slice(0, state.lastIndexOf(',', MAX_STATE) + 1);
  return new TraceState(kept.replace(/,$/, ''));
}
