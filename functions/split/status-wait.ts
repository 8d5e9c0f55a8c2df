// `GET /images/<id>?wait=30`: the status of an image when it changes, or after the time.
import { Problem } from '../lib/errors.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { stopSignal } from '../lib/service/stop-signal.ts';
import { ImageWatch, type ImageWatchParts } from './image-watch.ts';
import { Places } from './places.ts';

/** Requests of one split that may wait at once. Each one takes about 50 kB, with its connection. */
const MAX_WAITS = 1500;
const LONGEST_S = 60;

/** Returns how many seconds the query's `wait` asks for; 0 without it. */
export function waitOf(value: string | string[] | undefined): number {
  if (value === undefined) return 0;
  const seconds = Number(value);
  if (typeof value === 'string' && /^\d{1,2}$/.test(value) && seconds <= LONGEST_S) return seconds;
  throw new Problem(
    'invalid-request',
    `The wait is ${JSON.stringify(value)}; whole seconds from 0 to ${LONGEST_S} are required.`,
  );
}

export class StatusWait<View> {
  readonly #places: Places;
  readonly #watch: ImageWatch<View>;

  /** One caller may hold `clientShare` of the waiting requests. */
  constructor(clientShare: number, parts: Omit<ImageWatchParts<View>, 'stopping'>) {
    this.#places = new Places(MAX_WAITS, clientShare);
    this.#watch = new ImageWatch({ ...parts, stopping: stopSignal });
  }

  /**
   * Waits until an image in progress differs from `record`, at most `seconds`. Returns what is read of it then, or null if the
   * caller has gone. Throws Problem `too-many-waits` if too many requests wait.
   */
  async next(record: ImageRecord, seconds: number, client: string, gone: AbortSignal): Promise<View | null> {
    if (!(await this.#places.take(client, 0))) {
      const { count, perClient } = this.#places;
      const detail = `At most ${count} requests may wait at once, ${perClient} of them from one caller.`;
      throw new Problem('too-many-waits', detail, { retryAfterSeconds: 1 });
    }
    try {
      return await this.#watch.next(record.id, lookOf(record), seconds * 1000, gone);
    } finally {
      this.#places.giveBack(client);
    }
  }
}

/** Returns a text that changes whenever the state of an image in progress or the number of its done tiles does. */
export function lookOf({ state, done }: { state: string | null; done: number }): string {
  return `${state} ${done}`;
}
