// A proxy between the workers and assemble: a test decides what happens to each event.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** An event as it was posted. */
export interface PostedEvent {
  imageId: string;
  headers: Record<string, string>;
  body: Buffer<ArrayBuffer>;
}

/** What assemble answered. */
export interface Answer {
  status: number;
  body: string;
}

/** Passes an event on to assemble and returns its answer. Throws if assemble cannot be reached. */
export type Forward = (event: PostedEvent) => Promise<Answer>;
/** Decides what the worker gets: assemble's answer, a bare HTTP status, or `cut` for no answer. */
export type Handle = (event: PostedEvent, forward: Forward) => Promise<Answer | number | 'cut'>;

export class EventGate {
  readonly #server: Server;
  readonly #target: () => Promise<string>;
  /** Every event that arrived, in order. */
  readonly posted: PostedEvent[] = [];
  /** What happens to the next events. */
  handle: Handle = passOn;

  private constructor(target: () => Promise<string>) {
    this.#target = target;
    this.#server = createServer((req, res) => {
      this.#take(req, res).catch(() => res.destroy());
    });
  }

  /** `target` returns assemble's URL. It is called for each event, because assemble may have been restarted. */
  static async start(target: () => Promise<string>): Promise<EventGate> {
    const gate = new EventGate(target);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Forgets earlier events and passes every event on. */
  reset(): void {
    this.posted.length = 0;
    this.handle = passOn;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = Buffer.from(await buffer(req));
    const headers = Object.fromEntries(
      Object.entries(req.headers).filter(([name]) => name.startsWith('ce-') || name === 'content-type'),
    ) as Record<string, string>;
    const event = { imageId: headers['ce-subject'], headers, body };
    this.posted.push(event);
    const answer = await this.handle(event, (each) => this.#forward(each));
    if (answer === 'cut') res.destroy();
    else if (typeof answer === 'number') res.writeHead(answer).end();
    else res.writeHead(answer.status).end(answer.body);
  }

  async #forward({ headers, body }: PostedEvent): Promise<Answer> {
    const response = await fetch(await this.#target(), { method: 'POST', headers, body });
    return { status: response.status, body: await response.text() };
  }
}

function passOn(event: PostedEvent, forward: Forward): Promise<Answer> {
  return forward(event);
}
