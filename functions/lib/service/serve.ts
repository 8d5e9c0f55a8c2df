// Runs a registered function for production: the framework's request listener behind health routes, limits and a graceful
// stop. docs/adr/0002 tells why the framework's own server is not used.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { Problem } from '../errors.ts';
import { assertAcceptable, readBody, type BodyPlaces } from './body.ts';
import { answerClientErrors } from './client-errors.ts';
import { sendJson, sendProblem } from './http.ts';
import { refuse } from './refuse.ts';
import type { Logs } from './request-log.ts';
import { assertRoutable, unroutable } from './routable.ts';
import { cutSlowReaders } from './slow-readers.ts';
import { stopSignal } from './stop-signal.ts';

/** What a function tells `serve` about itself. */
export interface Lifecycle {
  /** Whether requests can be served now. */
  isReady(): boolean;
  /** Throws a {@link Problem} for a request that is to be refused by its headers alone, before its body is read. */
  admit?(req: IncomingMessage): void;
  /** Limits how many POST requests are worked on at once. Without it there is no limit. */
  places?: BodyPlaces;
  /** Ends work of the function's own, beside the requests under way. */
  drain?(): Promise<void>;
  /** Closes the function's connections, once nothing is under way. */
  close(): Promise<void>;
}

export interface ServeOptions extends Logs {
  /** The name the function is registered under. */
  target: string;
  /** The address to listen on. */
  host: string;
  port: number;
  /** The most bytes that a request may have in its body, by its method and headers. */
  bodyLimit: (req: IncomingMessage) => number;
  /** The slowest that a caller may send a body or take an answer. */
  minBytesPerS: number;
  /** The slowest that a body may come that holds one of the places. */
  minUploadBytesPerS: number;
  /** How long requests under way may take once the process is asked to stop. */
  drainMs: number;
  lifecycle: Lifecycle;
}

/** The framework's listener. `next` is called for what it cannot route, which it would answer in HTML by itself. */
type Framework = (req: IncomingMessage, res: ServerResponse, next: (error: unknown) => void) => void;

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** How often Node looks whether one of the two is over; left to itself, every 30 s. */
const TIMEOUT_CHECK_MS = 1000;
/** How long nothing of a body may come, and nothing of an answer be taken. */
const SENDING_PATIENCE_MS = 10_000;
const READING_PATIENCE_MS = 60_000;
const IDLE_SWEEP_MS = 50;
/** After the drain's own limit, the time until a process that cannot let go (Redis does not answer) is ended. */
const OVERDUE_MS = 3000;

/** Serves until SIGTERM or SIGINT, then drains and exits. Resolves once it listens. */
export async function serve(options: ServeOptions): Promise<Server> {
  const { target, host, port, minBytesPerS, lifecycle, log } = options;
  const [framework] = getTestServer(target).listeners('request') as Framework[];
  let isDraining = false;
  const underWay = new Set<ServerResponse>();

  const answer = (req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/health/live') return sendJson(res, 200, { live: true });
    if (req.url === '/health/ready') {
      if (!isDraining && lifecycle.isReady()) return sendJson(res, 200, { ready: true });
      return sendProblem(res, new Problem('not-ready', isDraining ? 'Stopping.' : 'Waiting for Redis.'));
    }
    underWay.add(res);
    res.once('close', () => underWay.delete(res));
    if (isDraining) res.setHeader('connection', 'close');
    receive(req, res, options).then(
      (body) => {
        // The framework's own parsers pass over a request that has been read to its end.
        Object.assign(req, { rawBody: body, body });
        framework(req, res, (error) => refuse(req, res, unroutable(error), options));
      },
      (error: unknown) => refuse(req, res, error, options),
    );
  };
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requireHostHeader: false, // Node would answer without a document; assertRoutable looks for it.
    },
    answer,
  );
  // `100 Continue` is never sent. A proxy that records the first header it sees (Knative's queue-proxy does) would pass
  // the real status on as 200. A caller who asked sends its body anyway after a moment, unless it is refused before.
  server.on('checkContinue', answer);
  answerClientErrors(server, underWay, log);
  cutSlowReaders(underWay, { minBytesPerS, patienceMs: READING_PATIENCE_MS }, log);

  const stop = async () => {
    isDraining = true;
    for (const res of underWay) if (!res.headersSent) res.setHeader('connection', 'close');
    log.info('Stopping', { signal: stopSignal.reason });
    setTimeout(() => process.exit(1), options.drainMs + OVERDUE_MS).unref();
    await Promise.all([closeServer(server, options.drainMs), lifecycle.drain?.()]);
    await lifecycle.close();
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
  process.send?.({ listeningPort }); // A parent that let the system choose the port wants to know it.
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

/** Reads the body of a request, once its head lets it in. Throws a {@link Problem} for one that is refused. */
async function receive(req: IncomingMessage, res: ServerResponse, options: ServeOptions): Promise<Buffer> {
  const { lifecycle, bodyLimit, minBytesPerS, minUploadBytesPerS } = options;
  const maxBytes = bodyLimit(req);
  lifecycle.admit?.(req);
  assertRoutable(req);
  assertAcceptable(req.headers, maxBytes);
  const patienceMs = SENDING_PATIENCE_MS;
  const pace = { minBytesPerS, patienceMs };
  const { places } = lifecycle;
  if (!places || req.method !== 'POST') return readBody(req, { maxBytes, pace });
  await places.find(req); // Where there is none, the body need not be sent at all.
  const placedPace = { minBytesPerS: minUploadBytesPerS, patienceMs };
  return readBody(req, { maxBytes, pace, place: { take: () => places.take(res), pace: placedPace } });
}

/** Stops accepting, lets requests under way end, and cuts off what is left after `drainMs`. */
async function closeServer(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}
