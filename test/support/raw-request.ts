// Sends a request byte by byte, because `fetch` and `node:http` normalise paths and refuse to send some
// requests.
import { connect } from 'node:net';
import { once } from 'node:events';

export interface RawResponse {
  status: number;
  /** By names in lower case. */
  headers: Record<string, string>;
  body: string;
}

export interface RawRequest {
  method?: string;
  /** The request target, as it is in the first line. */
  target: string;
  headers?: Record<string, string>;
  /** Sent after the head, whatever the headers say. */
  body?: string | Uint8Array;
}

/**
 * Returns the response to `request` of the server at `url`. Resolves with the last byte it announced, or when
 * the server closes the connection, because a server reads the rest of a refused request for a while.
 */
export async function sendRaw(url: string, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', target, headers = {}, body = '' } = request;
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const fields = { host: `${hostname}:${port}`, connection: 'close', ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // In one write, or the server may answer the head before it has the body.
  socket.write(Buffer.concat([Buffer.from(head), Buffer.from(body)]));
  let received = Buffer.alloc(0);
  socket.on('data', (part) => {
    received = Buffer.concat([received, part]);
    if (isWhole(method, parsed(received.toString()))) socket.destroy();
  });
  socket.on('error', () => {}); // A server that has answered may close before everything is sent.
  await once(socket, 'close');
  return parsed(received.toString());
}

function isWhole(method: string, { headers, body }: RawResponse): boolean {
  const length = headers['content-length'];
  return length !== undefined && (method === 'HEAD' || Buffer.byteLength(body) >= Number(length));
}

function parsed(text: string): RawResponse {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return { status: 0, headers: {}, body: '' };
  const [first, ...lines] = text.slice(0, headEnd).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: text.slice(headEnd + 4),
  };
}
