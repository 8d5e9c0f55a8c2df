// The tracer: spans of the OpenTelemetry SDK, sent as OTLP. Loaded only when tracing is on.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import {
  ROOT_CONTEXT,
  SpanKind,
  trace as api,
  TraceFlags,
  type SpanContext,
  type SpanOptions as ApiOptions,
  type Tracer as ApiTracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Log } from '../log.ts';
import { batchesOf, shorterTimeoutOf } from './batches.ts';
import { ChosenIds } from './chosen-ids.ts';
import { ReportingExporter } from './reporting-exporter.ts';
import { endRequestSpan, isTraced, methodOf, senderOf } from './request-span.ts';
import { samplerOf } from './sampler.ts';
import { checkLists, forwardWarnings } from './sdk-warnings.ts';
import type { Span, SpanOptions, Tracer } from './spans.ts';
import { parseTrace } from './trace-text.ts';
import { TracedSpan } from './traced-span.ts';

const kinds = { producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER };

export class OpenTelemetry implements Tracer {
  readonly #ids = new ChosenIds();
  readonly #provider: TracerProvider;
  readonly #tracer: ApiTracer;
  #flushing: Promise<void> | null = null;

  /** Starts the SDK for the function called `component`. Settings that cannot be used are logged. */
  constructor(component: string, log: Log, env: NodeJS.ProcessEnv) {
    const warn = (reason: string) => log.warn('A setting of tracing cannot be used', { reason });
    forwardWarnings((reason) => log.warn('OpenTelemetry warns', { reason }));
    checkLists(env, warn);
    const timeoutMillis = shorterTimeoutOf(env, warn);
    this.#provider = new TracerProvider({
      sampler: samplerOf(env, warn),
      resource: resourceOf(component),
      idGenerator: this.#ids,
      spanProcessors: [
        new BatchSpanProcessor({
          ...batchesOf(env, warn),
          exporter: new ReportingExporter(new OTLPTraceExporter({ timeoutMillis }), log),
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('tessera');
  }

  startSpan(name: string, options: SpanOptions): Span {
    return this.#start(name, TracedSpan.current?.context, apiOptions(options));
  }

  continueTrace(trace: string, name: string, options: SpanOptions): Span | null {
    const image = parseTrace(trace);
    if (!image) return null;
    const current = options.kind ? undefined : TracedSpan.current?.context;
    const isSame = current?.traceId === image.traceId;
    return this.#start(name, isSame ? current : image, apiOptions(options, isSame ? undefined : current));
  }

  standIn(trace: string, name: string, startedAt: number, options: SpanOptions): Span | null {
    const lost = parseTrace(trace);
    if (!lost || !(lost.traceFlags & TraceFlags.SAMPLED)) return null;
    const current = TracedSpan.current?.context;
    const isSame = current?.traceId === lost.traceId;
    const started = { ...apiOptions(options, isSame ? undefined : current), startTime: startedAt };
    return this.#ids.with(lost, () => this.#start(name, isSame ? current : undefined, started));
  }

  traceRequest(req: IncomingMessage, res: ServerResponse, work: () => void): void {
    const sender = senderOf(req);
    if (!isTraced(req, sender)) return work();
    const method = methodOf(req);
    const attributes = { 'http.request.method': method, 'url.scheme': 'http' };
    const options = { ...apiOptions({ attributes }, sender.link), kind: SpanKind.SERVER };
    const span = this.#start(method, sender.parent, options);
    res.once('close', () => endRequestSpan(span, req, res));
    span.run(work);
  }

  current(): TracedSpan | undefined {
    return TracedSpan.current;
  }

  /** Sends one batch at a time. Otherwise, with many images, each batch would have only a few spans. The exporter logs a failure. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#provider
      .forceFlush()
      .catch(() => {})
      .finally(() => (this.#flushing = null));
    await this.#flushing;
  }

  async stop(): Promise<void> {
    await this.#provider.shutdown().catch(() => {});
  }

  #start(name: string, parent: SpanContext | undefined, options: ApiOptions): TracedSpan {
    const context = parent ? api.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return new TracedSpan(this.#tracer.startSpan(name, options, context));
  }
}

function apiOptions({ kind, attributes }: SpanOptions, linked?: SpanContext): ApiOptions {
  return {
    kind: kind ? kinds[kind] : SpanKind.INTERNAL,
    ...(attributes && { attributes }),
    ...(linked && { links: [{ context: linked }] }),
  };
}

/** Attributes from the environment win over those that are known here. */
function resourceOf(component: string): Resource {
  const own = resourceFromAttributes({
    'service.name': `tessera-${component}`,
    'host.name': hostname(),
    'process.pid': process.pid,
  });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
}
