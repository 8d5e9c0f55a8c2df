// Limits how many uploads are received at once, in total and for each client. Each one holds its bytes until
// it is split. Requests for status and results need almost nothing and are not counted, so they are answered
// however many uploads are open.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../lib/errors.ts';
import type { BodyPlaces } from '../lib/service/body.ts';
import type { Caller } from './callers.ts';
import { Places } from './places.ts';

/**
 * How long an upload waits for another one to end before it is refused. It may wait twice: before its body is
 * read, and when the body has arrived. It should still be refused within 200 ms on a busy machine.
 */
const WAIT_MS = 50;

export interface UploadLimits {
  maxUploads: number;
  /** The share of that for one client. */
  clientShare: number;
}

export class UploadLimit implements BodyPlaces {
  readonly #places: Places;
  readonly #clientOf: (req: IncomingMessage) => string;

  constructor(
    { maxUploads, clientShare }: UploadLimits,
    callerOf: (req: IncomingMessage) => Pick<Caller, 'name'>,
  ) {
    this.#places = new Places(maxUploads, clientShare);
    this.#clientOf = (req) => callerOf(req).name;
  }

  async find(req: IncomingMessage): Promise<void> {
    const client = this.#clientOf(req);
    await this.#take(client);
    this.#places.giveBack(client);
  }

  async take(res: ServerResponse): Promise<void> {
    const client = this.#clientOf(res.req);
    await this.#take(client);
    if (res.closed) this.#places.giveBack(client);
    else res.once('close', () => this.#places.giveBack(client));
  }

  async #take(client: string): Promise<void> {
    if (await this.#places.take(client, WAIT_MS)) return;
    const { count, perClient } = this.#places;
    throw new Problem(
      'too-many-uploads',
      `At most ${count} uploads are received at once, ${perClient} of them from one caller.`,
      { retryAfterSeconds: 1 },
    );
  }
}
