// Holds Redis's writes while workers are killed. What is in their hands then is not acked, whatever their speed: that is
// what makes the demonstration certain instead of lucky. Reads go on, so the scaler and the status do.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';

/** A hold that nobody lifts ends by itself. */
const PAUSE_MS = 60_000;
const LOOK_EVERY_MS = 5;

/** What is known of one image's tiles at a moment. */
export interface TileCounts {
  ready: number;
  /** Claimed and not acked. */
  inHand: number;
  done: number;
}

export class Freeze {
  readonly #redis: Redis;
  readonly #keyPrefix: string;
  readonly #imageId: string;
  /** Tokens of the claims whose holders were killed. */
  readonly #deadClaims = new Set<string>();
  /** Tiles that died with their holders and will not come back: naive mode keeps no note of them. */
  #lost = 0;

  /** `redis`: a connection of its own, which never writes. */
  constructor(redis: Redis, keyPrefix: string, imageId: string) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#imageId = imageId;
  }

  async counts(): Promise<TileCounts> {
    const shared = queueKeys(this.#keyPrefix);
    const image = imageKeys(this.#keyPrefix, this.#imageId);
    const [known, ready, done, delayed, dead] = await Promise.all([
      this.#redis.hlen(image.tiles),
      this.#redis.llen(shared.queue),
      this.#redis.scard(image.done),
      this.#redis.zcard(shared.delayed),
      this.#redis.zcard(shared.dead),
    ]);
    return { ready, done, inHand: known - ready - done - delayed - dead };
  }

  /**
   * Holds the writes with tiles in the hands of living workers, once `isTime` agrees; answers how many. 0: the image
   * was over before. Between two looks the writes are let through for a moment, so that waiting workers claim.
   */
  async hold(isTime: (counts: TileCounts) => boolean, signal: AbortSignal): Promise<number> {
    await this.#pause();
    for (;;) {
      const counts = await this.counts();
      const inHand = counts.inHand - (await this.#inDeadHands());
      if (inHand > 0 && isTime({ ...counts, inHand })) return inHand;
      if (inHand <= 0 && counts.ready === 0 && !(await this.#isRetrying())) {
        await this.release();
        return 0;
      }
      await this.release();
      await this.#pause();
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  /** Notes that everyone who holds a tile now is dead. */
  async noteDeaths(): Promise<void> {
    const tokens = await this.#redis.hvals(imageKeys(this.#keyPrefix, this.#imageId).tokens);
    tokens.forEach((token) => this.#deadClaims.add(token));
    if (tokens.length === 0) this.#lost = (await this.counts()).inHand;
  }

  /** Lets writes through again. */
  async release(): Promise<void> {
    await this.#redis.client('UNPAUSE');
  }

  async #pause(): Promise<void> {
    await this.#redis.client('PAUSE', PAUSE_MS, 'WRITE');
  }

  async #inDeadHands(): Promise<number> {
    const tokens = await this.#redis.hvals(imageKeys(this.#keyPrefix, this.#imageId).tokens);
    return tokens.filter((token) => this.#deadClaims.has(token)).length + this.#lost;
  }

  /** Whether tiles of killed workers will be handed out again. */
  async #isRetrying(): Promise<boolean> {
    const { leases, delayed } = queueKeys(this.#keyPrefix);
    return (await this.#redis.zcard(leases)) + (await this.#redis.zcard(delayed)) > 0;
  }
}
