// Room for images in Redis: when there will be some, and how to make some at Redis's memory limit.
import type { Redis } from 'ioredis';
import { freeBytesBelowLimit } from '../redis/memory-limit.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

export interface Admission {
  /** Bytes of Redis memory that the image may hold at its peak. */
  bytes: number;
  /** Bytes that all images together may hold. */
  budgetBytes: number;
  /** Who sends the image, and the bytes that this client's images may hold together. */
  client?: { name: string; budgetBytes: number };
}

/** Why an image is not admitted now. */
export type Refusal = 'over-budget' | 'over-share';

/** After this silence a split may have died, and a repeated request may resume its image. */
const SILENT_MS = 5000;

export class ImageRoom {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #clock: () => string;

  constructor(redis: Redis, keyPrefix: string, clock?: Clock) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /**
   * Returns in how many milliseconds a caller should try again with an image for which there is no room, or
   * null if there may be room already.
   */
  async waitMs({ bytes, budgetBytes, client }: Admission): Promise<number | null> {
    const answer = await this.#scripts.run(
      'wait-for-room',
      this.#clock(),
      bytes,
      budgetBytes,
      SILENT_MS,
      client?.name ?? '',
      client?.budgetBytes ?? budgetBytes,
    );
    return answer as number | null;
  }

  /**
   * Makes room for an image in a Redis at its memory limit: removes the oldest results, and records beyond their part of the
   * budget, until the image fits. Removes nothing if it would not fit even without them. Returns whether it fits.
   */
  async make({ bytes, budgetBytes }: Admission): Promise<boolean> {
    let missing = bytes - (await freeBytesBelowLimit(this.#redis));
    while (missing > 0) {
      const freed = (await this.#scripts.run('make-room', missing, budgetBytes)) as number;
      if (freed === 0) return false;
      missing -= freed;
    }
    return true;
  }
}
