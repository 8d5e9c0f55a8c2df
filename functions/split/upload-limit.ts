// Limits how many uploads are received at once, in total and for each client. Each one holds its bytes until
// it is split. Requests for status and results need almost nothing and are not counted, so they are answered
// however many uploads are open.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../lib/errors.ts';
import type { BodyPlaces } from '../lib/service/body.ts';
import { CallerGone } from '../lib/service/caller-gone.ts';
import type { Caller } from './callers.ts';
import { Places } from './places.ts';

/** How long an upload waits for others to end, in total. It should be refused within 200 ms on a busy machine too. */
const WAIT_MS = 50;

export interface UploadLimits {
  maxUploads: number;
  /** The share of that for one client. */
  clientShare: number;
}

export class UploadLimit implements Omit<BodyPlaces, 'areNeededFor'> {
  readonly #places: Places;
  readonly #clientOf: (req: IncomingMessage) => string;
  /** How long a request may still wait, ms: one that waited before its body was read waits less with it. */
  readonly #patience = new WeakMap<IncomingMessage, number>();
  /** Work on an upload that has arrived. */
  readonly #work = new WeakMap<ServerResponse, Promise<void>>();

  constructor(
    { maxUploads, clientShare }: UploadLimits,
    callerOf: (req: IncomingMessage) => Pick<Caller, 'name'>,
  ) {
    this.#places = new Places(maxUploads, clientShare);
    this.#clientOf = (req) => callerOf(req).name;
  }

  /** How many uploads have a place. */
  get count(): number {
    return this.#places.taken;
  }

  async find(req: IncomingMessage): Promise<void> {
    this.#places.giveBack(await this.#take(req));
  }

  async take(res: ServerResponse): Promise<void> {
    const client = await this.#take(res.req);
    if (res.closed) {
      this.#places.giveBack(client);
      throw new CallerGone();
    }
    const giveBack = () => this.#places.giveBack(client);
    res.once('close', () => void Promise.allSettled([this.#work.get(res)]).then(giveBack));
  }

  /** Does `work` with the upload that `res` answers. Its place stays taken until then, even if the caller goes before. */
  async hold(res: ServerResponse, work: () => Promise<void>): Promise<void> {
    if (res.closed) throw new CallerGone();
    const done = work();
    this.#work.set(res, done);
    return done;
  }

  /** Takes a place for the client that sends `req`. Returns the client. */
  async #take(req: IncomingMessage): Promise<string> {
    const client = this.#clientOf(req);
    const patienceMs = this.#places.isCrowded ? 0 : (this.#patience.get(req) ?? WAIT_MS);
    const startedAt = performance.now();
    const hasPlace = await this.#places.take(client, patienceMs);
    this.#patience.set(req, Math.max(0, patienceMs - (performance.now() - startedAt)));
    if (hasPlace) return client;
    const { count, perClient } = this.#places;
    throw new Problem(
      'too-many-uploads',
      `At most ${count} uploads are received at once, ${perClient} of them from one caller.`,
      { retryAfterSeconds: 1 },
    );
  }
}
