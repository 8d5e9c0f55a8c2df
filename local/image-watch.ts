// Decides from the successive statuses of an image whether it is in progress, over or lost.
import type { ImageStatus } from './split-client.ts';

/** If nothing is queued or in flight for this long, an image that is not over has lost tiles. */
const LOST_AFTER_MS = 5000;
/** How long the store may refuse its result before the run gives it up. */
const STORE_PATIENCE_MS = 3000;

/** `over`: done, failed or cancelled. `lost`: some of its tiles are lost. `unwritten`: its result cannot be written. */
export type Verdict = 'in progress' | 'over' | 'lost' | 'unwritten';

export class ImageWatch {
  #before = '';
  #movedAt = Date.now();
  #refusedAt: number | null = null;

  /** `pending`: the number of jobs and events that are queued or in flight, of all images. */
  judge({ status, done, error }: ImageStatus, pending: number): Verdict {
    const now = Date.now();
    if (['done', 'failed', 'cancelled'].includes(status)) return 'over';
    const seen = JSON.stringify([status, done]);
    if (seen !== this.#before || pending > 0) this.#movedAt = now;
    this.#before = seen;
    const isRefused = status === 'blurred' && error !== null;
    this.#refusedAt = isRefused ? (this.#refusedAt ?? now) : null;
    if (this.#refusedAt !== null && now - this.#refusedAt > STORE_PATIENCE_MS) return 'unwritten';
    return now - this.#movedAt > LOST_AFTER_MS ? 'lost' : 'in progress';
  }
}
