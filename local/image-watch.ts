// Tells from the statuses of an image, one after another, how it stands.
import type { ImageStatus } from './split-client.ts';

/** An image that is not over though nothing is queued or in flight for so long has lost tiles. */
const LOST_AFTER_MS = 5000;
/** How long its result may be refused by the store before it is given up. */
const STORE_PATIENCE_MS = 3000;

/** `over`: split is done with it, well or not. `lost`: some of its tiles are. `unwritten`: its result cannot be written. */
export type Verdict = 'under way' | 'over' | 'lost' | 'unwritten';

export class ImageWatch {
  #before = '';
  #movedAt = Date.now();
  #refusedAt: number | null = null;

  /** `pending`: all the work that is queued or in flight, of any image. */
  judge({ status, done, error }: ImageStatus, pending: number): Verdict {
    const now = Date.now();
    if (['done', 'failed', 'cancelled'].includes(status)) return 'over';
    const seen = JSON.stringify([status, done]);
    if (seen !== this.#before || pending > 0) this.#movedAt = now;
    this.#before = seen;
    const isRefused = status === 'blurred' && error !== null;
    this.#refusedAt = isRefused ? (this.#refusedAt ?? now) : null;
    if (this.#refusedAt !== null && now - this.#refusedAt > STORE_PATIENCE_MS) return 'unwritten';
    return now - this.#movedAt > LOST_AFTER_MS ? 'lost' : 'under way';
  }
}
