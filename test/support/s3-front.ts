// A proxy between Tessera and the S3 server in tests: it checks every signature, keeps the headers of every request, and
// can behave like a service that fails.
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startS3Server, type S3Server } from '../../local/s3-server.ts';
import { signatureFault, type Keys } from './s3-signature.ts';

/** What happens to a request instead of being passed on. */
export type Trouble =
  | { status: number; code: string }
  | 'never reply'
  | 'cut while sending'
  | 'cut before it arrives'
  | 'cut before the reply'
  | 'cut in the reply'
  | 'ignore the range'
  | 'encode keys';

export interface SeenRequest {
  method: string;
  /** The key with its bucket, decoded. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
}

const agent = new Agent({ keepAlive: true });

export const keys: Keys = { accessKeyId: 'AKIATESSERATEST', secretAccessKey: 'only/for+tests' };

/** The environment with which the client reaches an S3 service at `endpoint`, with these keys. */
export function s3Environment(
  endpoint: string,
  { accessKeyId, secretAccessKey } = keys,
): Record<string, string> {
  return {
    STORE: 's3',
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

export class S3Front {
  readonly endpoint: string;
  readonly seen: SeenRequest[] = [];
  /** Decides what happens to a request; null lets it pass. */
  trouble: (seen: SeenRequest) => Trouble | null = () => null;
  /** How much the service's clock is ahead. */
  clockOffsetMs = 0;
  readonly #server: S3Server;
  readonly #front: ReturnType<typeof createServer>;

  private constructor(server: S3Server, front: ReturnType<typeof createServer>) {
    this.#server = server;
    this.#front = front;
    this.endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    front.on('request', (req, res) => void this.#handle(req, res).catch(() => req.socket.destroy()));
  }

  static async start(buckets: string[]): Promise<S3Front> {
    const server = await startS3Server(buckets);
    const front = createServer().listen(0, '127.0.0.1');
    await once(front, 'listening');
    return new S3Front(server, front);
  }

  /** Returns the requests that were seen of this kind, for example `PUT` with the parameter `partNumber`. */
  requests(method: string, parameter?: string): SeenRequest[] {
    return this.seen.filter(
      (each) => each.method === method && (parameter === undefined || each.query.has(parameter)),
    );
  }

  /** Puts an object there as someone else would. */
  async put(path: string, bytes: Buffer): Promise<void> {
    const headers = { 'content-length': String(bytes.length), 'content-type': 'application/octet-stream' };
    await this.#ask({ method: 'PUT', url: urlOf(path), headers }, bytes);
  }

  async get(path: string): Promise<Buffer> {
    return (await this.#ask({ method: 'GET', url: urlOf(path), headers: {} }, Buffer.alloc(0))).content;
  }

  /** Returns the keys that begin with `path`, without it, sorted. */
  async names(path: string): Promise<string[]> {
    const [bucket, ...prefix] = path.split('/');
    const url = `/${bucket}?list-type=2&prefix=${encodeURIComponent(prefix.join('/'))}`;
    const { content } = await this.#ask({ method: 'GET', url, headers: {} }, Buffer.alloc(0));
    const keys = [...content.toString().matchAll(/<Key>([^<]*)/g)].map(([, key]) => unescaped(key));
    return keys.map((key) => key.slice(prefix.join('/').length)).sort();
  }

  async remove(path: string): Promise<void> {
    await this.#ask({ method: 'DELETE', url: urlOf(path), headers: {} }, Buffer.alloc(0));
  }

  /** Lets everything pass again. */
  reset(): void {
    this.seen.length = 0;
    this.trouble = () => null;
    this.clockOffsetMs = 0;
  }

  async stop(): Promise<void> {
    this.#front.closeAllConnections();
    this.#front.close();
    await this.#server.stop();
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(`http://s3${req.url}`);
    const seen = {
      method: req.method ?? '',
      path: decodeURIComponent(pathname.slice(1)),
      query: searchParams,
      headers: req.headers,
    };
    this.seen.push(seen);
    const trouble = this.trouble(seen);
    if (trouble === 'never reply') return;
    if (trouble === 'cut while sending') {
      await once(req, 'data');
      req.socket.destroy();
      return;
    }
    const body = await buffer(req);
    if (trouble === 'cut before it arrives') {
      req.socket.destroy();
      return;
    }
    const now = Date.now() + this.clockOffsetMs;
    res.setHeader('date', new Date(now).toUTCString());
    const fault = signatureFault(req, body, keys, now);
    if (fault !== null) refuse(res, { status: 403, code: fault });
    else if (typeof trouble === 'object' && trouble !== null) refuse(res, trouble);
    else await this.#pass(req, body, res, trouble);
  }

  /** Passes a request on, and the reply back. */
  async #pass(
    req: IncomingMessage,
    body: Buffer,
    res: ServerResponse,
    trouble: Trouble | null,
  ): Promise<void> {
    if (trouble === 'ignore the range') delete req.headers.range;
    const { reply, content } = await this.#ask(req, body);
    if (trouble === 'cut before the reply') {
      req.socket.destroy();
      return;
    }
    if (trouble === 'encode keys') {
      sendEncoded(res, content.toString());
      return;
    }
    res.writeHead(reply.statusCode ?? 500, { ...reply.headers, date: String(res.getHeader('date')) });
    if (trouble === 'cut in the reply')
      res.write(content.subarray(0, content.length / 2), () => res.destroy());
    else res.end(content);
  }

  async #ask(
    { method, url: path, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
    body: Buffer,
  ): Promise<{ reply: IncomingMessage; content: Buffer }> {
    const onward = request({ host: '127.0.0.1', port: this.#server.port, method, path, headers, agent });
    onward.end(body);
    const [reply] = (await once(onward, 'response')) as [IncomingMessage];
    return { reply, content: await buffer(reply) };
  }
}

function urlOf(path: string): string {
  return `/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Sends a listing as services do that follow `encoding-type`. */
function sendEncoded(res: ServerResponse, listing: string): void {
  const encoded = listing
    .replaceAll(/(?<=<Key>)[^<]*/g, (key) => encodeURIComponent(unescaped(key)).replaceAll('%20', '+'))
    .replaceAll('NOT-UTF-8', '%FF')
    .replace('</Name>', '</Name><EncodingType>url</EncodingType>');
  res.writeHead(200, { 'content-type': 'application/xml' }).end(encoded);
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function refuse(res: ServerResponse, { status, code }: { status: number; code: string }): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  res.writeHead(status, { 'content-type': 'application/xml' }).end(text);
}
