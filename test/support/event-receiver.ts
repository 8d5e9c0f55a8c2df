// A receiver of events at DONE_SINK: keeps what arrives, and answers as a test wants.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { EventMessage } from '../../functions/lib/events.ts';
import type { Certificate } from './certificate.ts';

export class EventReceiver {
  readonly #server: Server;
  readonly #scheme: string;
  /** Everything that arrived, in order. */
  readonly received: EventMessage[] = [];
  /** Returns the status for an event; null for no answer at all. */
  answer: (message: EventMessage) => number | null | Promise<number> = () => 204;

  private constructor(certificate: Certificate | null) {
    const take = (req: IncomingMessage, res: ServerResponse) => void this.#take(req, res);
    this.#scheme = certificate === null ? 'http' : 'https';
    this.#server =
      certificate === null
        ? createServer(take)
        : createTlsServer(
            { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) },
            take,
          );
  }

  /** Starts a receiver on loopback; with a certificate it speaks only TLS. */
  static async start(certificate: Certificate | null = null): Promise<EventReceiver> {
    const receiver = new EventReceiver(certificate);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  /** Returns the values of a header of all events that arrived, such as `ce-type`. */
  all(header: string): string[] {
    return this.received.map(({ headers }) => headers[header]);
  }

  /** Returns the images that it was told of. An event may come twice. */
  subjects(): Set<string> {
    return new Set(this.all('ce-subject'));
  }

  reset(): void {
    this.received.length = 0;
    this.answer = () => 204;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const message = { headers: req.headers as Record<string, string>, body: await text(req) };
    this.received.push(message);
    const status = await this.answer(message);
    if (status !== null) res.writeHead(status).end();
  }
}
