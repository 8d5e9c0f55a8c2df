// Notices: the events that an image is done or has failed, for a receiver outside of Tessera. The script that ends the image
// writes one. It stays until the receiver has accepted it, or it is given up. The image stays as it is.
import type { Redis } from 'ioredis';
import { recordOf, type ImageRecord } from './image-record.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

/** What the event says about an image that has ended. */
export type EndedImage = Pick<
  ImageRecord,
  | 'id'
  | 'state'
  | 'name'
  | 'isStored'
  | 'width'
  | 'height'
  | 'tiles'
  | 'recipe'
  | 'output'
  | 'owner'
  | 'createdAt'
  | 'blurredAt'
  | 'endedAt'
  | 'error'
  | 'trace'
>;

export interface DueNotice {
  /** Names the notice in the outbox of notices. */
  notice: string;
  /** The image as it was when it ended. */
  image: EndedImage;
  isGivenUp: boolean;
  /** How often it was sent, this time included. */
  sendings: number;
}

export class Notices {
  readonly #scripts: QueueScripts;
  readonly #clock: () => string;

  constructor(redis: Redis, keyPrefix: string, clock?: Clock) {
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /**
   * Returns the notice that is due, or null. No other sender gets it for `holdMs`, half a minute at most, or until
   * {@link retry}. After `maxSendings` sendings it is closed, and returned as given up.
   */
  async next(holdMs: number, maxSendings: number): Promise<DueNotice | null> {
    const answer = await this.#scripts.run('next-notice', this.#clock(), holdMs, maxSendings);
    if (answer === null) return null;
    const [notice, what, sendings, ...pairs] = answer as [string, string, number, ...string[]];
    const fields: Record<string, string> = {};
    for (let at = 0; at < pairs.length; at += 2) fields[pairs[at]] = pairs[at + 1];
    const [imageId] = notice.split(':');
    return { notice, image: recordOf(imageId, fields, 0), isGivenUp: what === 'given up', sendings };
  }

  /** Makes a notice that was not accepted due again after a pause. The pause doubles with each sending. */
  async retry({ notice, sendings }: Pick<DueNotice, 'notice' | 'sendings'>, firstPauseMs: number) {
    const answer = await this.#scripts.run('retry-notice', this.#clock(), notice, sendings, firstPauseMs);
    return answer as 'retried' | 'over';
  }

  /** Closes a notice that was accepted. */
  async close(notice: string): Promise<void> {
    await this.#scripts.run('close-notice', notice);
  }
}
