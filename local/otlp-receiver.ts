// Receives spans as OpenTelemetry's collectors do: OTLP over HTTP, in JSON. For one machine and for tests.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** '' for a root. */
  parentSpanId: string;
  name: string;
  kind: number;
  /** The function: the resource's `service.name`. */
  service: string;
  /** The process that sent it. */
  pid: number;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  /** The spans it refers to besides its parent. */
  links: { traceId: string; spanId: string }[];
  isError: boolean;
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean };
}

interface SentSpan extends Pick<ReceivedSpan, 'traceId' | 'spanId' | 'name' | 'kind'> {
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: Attribute[];
  links?: ReceivedSpan['links'];
  status?: { code?: number };
}

interface ExportRequest {
  resourceSpans?: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[];
}

const ERROR = 2;

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The headers of the last request. */
  lastHeaders: IncomingMessage['headers'] = {};
  readonly #server: Server;
  readonly #onSpans: (spans: ReceivedSpan[]) => void;

  private constructor(onSpans: (spans: ReceivedSpan[]) => void) {
    this.#onSpans = onSpans;
    this.#server = createServer((req, res) => void this.#receive(req, res));
  }

  /** Listens on loopback; without a port, on one that the system chooses. */
  static async start(port = 0, onSpans: (spans: ReceivedSpan[]) => void = () => {}): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(onSpans);
    receiver.#server.listen(port, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'POST' || req.url !== '/v1/traces') return void res.writeHead(404).end();
    try {
      const { resourceSpans = [] } = (await json(req)) as ExportRequest;
      this.lastHeaders = req.headers;
      const received = resourceSpans.flatMap(({ resource, scopeSpans }) => {
        const { 'service.name': service, 'process.pid': pid } = valuesOf(resource.attributes);
        const spans = scopeSpans.flatMap((scope) => scope.spans);
        return spans.map((span) => spanOf(span, String(service), Number(pid)));
      });
      this.spans.push(...received);
      this.#onSpans(received);
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } catch {
      res.writeHead(400).end();
    }
  }
}

function spanOf(span: SentSpan, service: string, pid: number): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name, kind, attributes = [], links = [], status } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    service,
    pid,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: valuesOf(attributes),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    isError: status?.code === ERROR,
  };
}

function valuesOf(attributes: Attribute[]): ReceivedSpan['attributes'] {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );
}
