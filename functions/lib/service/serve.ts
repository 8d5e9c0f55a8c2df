// Runs a registered function in production: the framework's request listener behind health routes, limits and a graceful
// stop. docs/adr/0002 explains why the framework's own server is not used.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { Problem } from '../errors.ts';
import { countRequest } from '../metrics/measure.ts';
import { assertAcceptable, readBody, type BodyPlaces } from './body.ts';
import { answerClientErrors } from './client-errors.ts';
import { sendJson, sendProblem } from './http.ts';
import { createServer } from './node-http.ts';
import { limitPipelining } from './pipelining.ts';
import { refuse } from './refuse.ts';
import type { Logs } from './request-log.ts';
import { assertRoutable, unroutable } from './routable.ts';
import { cutSlowReaders } from './slow-readers.ts';
import { stopSignal } from './stop-signal.ts';
import { traceRequest } from '../tracing/spans.ts';
import { stopTracing } from '../tracing/start.ts';

/** What a function tells `serve` about itself. */
export interface Lifecycle {
  /** Whether requests can be served now. */
  isReady(): boolean;
  /** Throws a {@link Problem} for a request that is refused by its headers, before its body is read. */
  admit?(req: IncomingMessage): void;
  /** Limits how many of some requests are processed at once. Without it there is no limit. */
  places?: BodyPlaces;
  /** Returns the route of a request for the metrics, one of few. By default it is `/`, because all paths lead to one handler. */
  routeOf?(req: IncomingMessage): string;
  /** Ends the function's own work, besides requests. */
  drain?(): Promise<void>;
  /** Closes the function's connections, when all work has ended. */
  close(): Promise<void>;
}

export interface ServeOptions extends Logs {
  /** The name the function is registered under. */
  target: string;
  /** The address to listen on. */
  host: string;
  port: number;
  /** Returns the most bytes that a request's body may have, by its method and headers. */
  bodyLimit: (req: IncomingMessage) => number;
  /** The slowest rate for sending a body or reading a response. */
  minBytesPerS: number;
  /** The slowest rate for a body that holds one of the places. */
  minUploadBytesPerS: number;
  /** How long requests in progress may take after the process was asked to stop. */
  drainMs: number;
  lifecycle: Lifecycle;
}

/** The framework's listener. It calls `next` for requests that it cannot route. Without `next` it would answer in HTML. */
type Framework = (req: IncomingMessage, res: ServerResponse, next: (error: unknown) => void) => void;

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** How often Node checks these two time-outs; by default every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
/** The longest time without a byte of a body, and without a byte of a response being read. */
const SENDING_PATIENCE_MS = 10_000;
const READING_PATIENCE_MS = 60_000;
const IDLE_SWEEP_MS = 50;
/** How long a stopping process waits until its last spans are sent, within the time of OVERDUE_MS. */
const LAST_SPANS_MS = 2000;
/** After the drain's own limit, the time until a process that cannot stop (Redis does not reply) is ended. */
const OVERDUE_MS = 3000;

/** Serves until SIGTERM or SIGINT, then drains and exits. Resolves when it listens. */
export async function serve(options: ServeOptions): Promise<Server> {
  const { target, host, port, minBytesPerS, lifecycle, log } = options;
  const [framework] = getTestServer(target).listeners('request') as Framework[];
  let isDraining = false;
  const inProgress = new Set<ServerResponse>();

  const answer = limitPipelining((req, res) => {
    if (req.url === '/health/live') return sendJson(res, 200, { live: true });
    if (req.url === '/health/ready') {
      if (!isDraining && lifecycle.isReady()) return sendJson(res, 200, { ready: true });
      return sendProblem(res, new Problem('not-ready', isDraining ? 'Stopping.' : 'Waiting for Redis.'));
    }
    inProgress.add(res);
    res.once('close', () => inProgress.delete(res));
    countRequest(req, res, lifecycle.routeOf?.(req) ?? '/');
    if (isDraining) res.setHeader('connection', 'close');
    traceRequest(req, res, () => {
      receive(req, res, options).then(
        (body) => {
          // The framework's own parsers skip a request that has already been read.
          Object.assign(req, { rawBody: body, body });
          framework(req, res, (error) => refuse(req, res, unroutable(error), options));
        },
        (error: unknown) => refuse(req, res, error, options),
      );
    });
  });
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requireHostHeader: false, // Node would answer without a problem document; assertRoutable checks it.
    },
    answer,
  );
  // `100 Continue` is never sent. A proxy that records the first header it sees (as Knative's queue-proxy does) would pass on
  // the real status as 200. A caller that asked for it sends its body after a moment anyway, unless it is refused before.
  server.on('checkContinue', answer);
  answerClientErrors(server, inProgress, log);
  cutSlowReaders(inProgress, { minBytesPerS, patienceMs: READING_PATIENCE_MS }, log);

  const stop = async () => {
    isDraining = true;
    for (const res of inProgress) if (!res.headersSent) res.setHeader('connection', 'close');
    log.info('Stopping', { signal: stopSignal.reason });
    setTimeout(() => process.exit(1), options.drainMs + OVERDUE_MS).unref();
    await Promise.all([closeServer(server, options.drainMs), lifecycle.drain?.()]);
    await lifecycle.close();
    await stopTracing(LAST_SPANS_MS, log);
    process.exit(0);
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`HOST and PORT: cannot listen on port ${port} of ${host}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: listeningPort } = server.address() as AddressInfo;
  log.info('Listening', { host, port: listeningPort });
  process.send?.({ listeningPort }); // For a parent that let the system choose the port.
  const stopOrFail = () => {
    stop().catch((error: unknown) => {
      log.error('Stopping failed', { error });
      process.exit(1);
    });
  };
  if (stopSignal.aborted) stopOrFail();
  else stopSignal.addEventListener('abort', stopOrFail);
  return server;
}

/** Returns the body of a request, if its head is accepted. Throws a {@link Problem} for a request that is refused. */
async function receive(req: IncomingMessage, res: ServerResponse, options: ServeOptions): Promise<Buffer> {
  const { lifecycle, bodyLimit, minBytesPerS, minUploadBytesPerS } = options;
  const maxBytes = bodyLimit(req);
  lifecycle.admit?.(req);
  assertRoutable(req);
  assertAcceptable(req.headers, maxBytes);
  const patienceMs = SENDING_PATIENCE_MS;
  const pace = { minBytesPerS, patienceMs };
  const { places } = lifecycle;
  if (!places?.areNeededFor(req)) return readBody(req, { maxBytes, pace });
  await places.find(req); // Without a free place, the body does not have to be sent at all.
  const placedPace = { minBytesPerS: minUploadBytesPerS, patienceMs };
  return readBody(req, { maxBytes, pace, place: { take: () => places.take(res), pace: placedPace } });
}

/** Stops accepting, lets requests in progress end, and cuts off the rest after `drainMs`. */
async function closeServer(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}
