// Runs a registered function for production: the framework's request listener behind health routes, a body limit and
// a graceful stop. docs/adr/0002 tells why the framework's own server is not used.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { Problem } from '../errors.ts';
import { sendJson, sendProblem } from './http.ts';
import type { Log } from '../log.ts';
import { freeBytes } from '../image/pixels.ts';
import { stopSignal } from './stop-signal.ts';

/** What a function tells about itself to whoever runs it. */
export interface Lifecycle {
  /** Whether requests can be served now. */
  isReady(): boolean;
  /** Throws a {@link Problem} for a request that is to be refused by its headers alone, before its body is read. */
  admit?(req: IncomingMessage): void;
  /** Ends work of the function's own, beside the requests under way. */
  drain?(): Promise<void>;
  /** Closes the function's connections, once nothing is under way. */
  close(): Promise<void>;
}

export interface ServeOptions {
  /** The name the function is registered under. */
  target: string;
  port: number;
  /** The most bytes that a request with these headers may have in its body. */
  bodyLimit: (headers: IncomingHttpHeaders) => number;
  /** How long requests under way may take once the process is asked to stop. */
  drainMs: number;
  lifecycle: Lifecycle;
  log: Log;
}

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const IDLE_SWEEP_MS = 50;
/** After the drain's own limit, the time until a process that cannot let go (Redis does not answer) is ended. */
const OVERDUE_MS = 3000;

/** Serves until SIGTERM or SIGINT, then drains and exits. Resolves once it listens. */
export async function serve(options: ServeOptions): Promise<Server> {
  const { target, port, lifecycle, log } = options;
  const [framework] = getTestServer(target).listeners('request') as RequestListener[];
  let isDraining = false;
  const underWay = new Set<ServerResponse>();

  const server = createServer((req, res) => {
    if (req.url === '/health/live') return sendJson(res, 200, { live: true });
    if (req.url === '/health/ready') {
      if (!isDraining && lifecycle.isReady()) return sendJson(res, 200, { ready: true });
      return sendProblem(res, new Problem('not-ready', isDraining ? 'Stopping.' : 'Waiting for Redis.'));
    }
    underWay.add(res);
    res.once('close', () => underWay.delete(res));
    if (isDraining) res.setHeader('connection', 'close');
    receive(req, options).then(
      (body) => {
        // The framework's own parsers pass over a request that has been read to its end.
        Object.assign(req, { rawBody: body, body });
        framework(req, res);
      },
      (error: unknown) => refuse(req, res, error),
    );
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;

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
    server.once('error', reject);
    server.listen(port, resolve);
  });
  const { port: listeningPort } = server.address() as AddressInfo;
  log.info('Listening', { port: listeningPort });
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

/** Stops accepting, lets requests under way end, and cuts off what is left after `drainMs`. */
async function closeServer(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}

/** Reads the body of a request, once its headers let it in. Throws a {@link Problem} for one that is refused. */
async function receive(req: IncomingMessage, { lifecycle, bodyLimit }: ServeOptions): Promise<Buffer> {
  lifecycle.admit?.(req);
  return readBody(req, bodyLimit(req.headers));
}

/** Reads the body whole, in one piece of memory where its length is known. Throws a {@link Problem} past the limit. */
async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem('unsupported-encoding', `The body is encoded as ${JSON.stringify(encoding)}.`);
  }
  const tooLarge = () =>
    new Problem('body-too-large', `The body is larger than the ${maxBytes} bytes allowed.`);
  const declared = req.headers['content-length'];
  if (Number(declared) > maxBytes) throw tooLarge();

  const whole = declared === undefined ? null : Buffer.allocUnsafe(Number(declared));
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (length + chunk.length > maxBytes) throw tooLarge();
    length += chunk.length;
    if (whole) {
      chunk.copy(whole, length - chunk.length);
      freeBytes(chunk);
    } else chunks.push(chunk);
  }
  return whole ?? Buffer.concat(chunks, length);
}

/** Answers a request whose body was not read to its end, and hears the rest out so that the caller sees the answer. */
function refuse(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  if (!(error instanceof Problem)) {
    res.destroy(); // The caller went away while sending.
    return;
  }
  res.setHeader('connection', 'close');
  sendProblem(res, error);
  req.resume();
}
