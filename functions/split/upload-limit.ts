// How many uploads may be under way at once. Each holds its bytes until it is split. Status and results need next to
// nothing and are not counted: they are answered however many uploads are open.
import type { ServerResponse } from 'node:http';
import { Problem } from '../lib/errors.ts';
import { Places } from './places.ts';

/** How long an upload waits for another to end before it is refused. */
const WAIT_MS = 150;

export class UploadLimit {
  readonly #limit: number;
  readonly #places: Places;

  constructor(limit: number) {
    this.#limit = limit;
    this.#places = new Places(limit);
  }

  /** Takes a place for the request that `res` answers, until `res` is closed. Throws Problem `too-many-uploads`. */
  async enter(res: ServerResponse): Promise<void> {
    if (!(await this.#places.take(WAIT_MS))) {
      throw new Problem(
        'too-many-uploads',
        `${this.#limit} uploads are under way, as many as may be at once.`,
        { retryAfterSeconds: 1 },
      );
    }
    if (res.closed) this.#places.giveBack();
    else res.once('close', () => this.#places.giveBack());
  }
}
