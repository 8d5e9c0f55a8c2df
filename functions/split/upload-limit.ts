// How many uploads may be under way at once. Each holds its bytes until it is split. Status and results need next to
// nothing and are not counted: they are answered however many uploads are open.
import type { ServerResponse } from 'node:http';
import { Problem } from '../lib/errors.ts';
import type { BodyPlaces } from '../lib/service/body.ts';
import { Places } from './places.ts';

/** How long an upload waits for another to end before it is refused. */
const WAIT_MS = 150;

export class UploadLimit implements BodyPlaces {
  readonly #limit: number;
  readonly #places: Places;

  constructor(limit: number) {
    this.#limit = limit;
    this.#places = new Places(limit);
  }

  async find(): Promise<void> {
    await this.#take();
    this.#places.giveBack();
  }

  async take(res: ServerResponse): Promise<void> {
    await this.#take();
    if (res.closed) this.#places.giveBack();
    else res.once('close', () => this.#places.giveBack());
  }

  async #take(): Promise<void> {
    if (await this.#places.take(WAIT_MS)) return;
    throw new Problem(
      'too-many-uploads',
      `${this.#limit} uploads are under way, as many as may be at once.`,
      { retryAfterSeconds: 1 },
    );
  }
}
