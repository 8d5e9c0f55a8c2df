// Holds Redis's writes while workers are killed. What is in their hands then is not acked, however fast they are: that makes
// the demonstration certain instead of lucky. Reads go on. Writes are held only while a worker has a tile in hand, because
// KEDA's scaler reads by EVAL, which counts as a write.
import { setTimeout as sleep } from 'node:timers/promises';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { numberOf, type RedisCall } from './target.ts';

/** A hold that nobody prolongs or lifts ends by itself. */
const HOLD_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** What is known of one image's tiles at a moment. */
export interface Tiles {
  /** All tiles of the image. */
  expected: number;
  /** In the hands of living workers. */
  inHand: number;
  done: number;
  /** Whether no worker will ever have a tile of it in hand again. */
  isOver: boolean;
}

export class Freeze {
  readonly #redis: RedisCall;
  readonly #keyPrefix: string;
  readonly #imageId: string;
  /** Tokens of the claims whose holders were killed. */
  readonly #deadClaims = new Set<string>();
  /** Tiles that died with their holders and will not come back: naive mode keeps no note of them. */
  #lost = 0;
  #isHeld = false;

  constructor(redis: RedisCall, keyPrefix: string, imageId: string) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#imageId = imageId;
  }

  async look(): Promise<Tiles> {
    const shared = queueKeys(this.#keyPrefix);
    const image = imageKeys(this.#keyPrefix, this.#imageId);
    const count = async (...words: string[]) => numberOf(await this.#redis(...words));
    // All sent together, so Redis runs them in one go.
    const [[state, tiles], known, ready, leases, delayed, dead, done, tokens] = await Promise.all([
      this.#redis('HMGET', image.meta, 'state', 'tiles'),
      count('HLEN', image.tiles),
      count('LLEN', shared.queue),
      count('ZCARD', shared.leases),
      count('ZCARD', shared.delayed),
      count('ZCARD', shared.dead),
      count('SCARD', image.done),
      this.#tokens(),
    ]);
    const expected = Number(tiles);
    const inDeadHands = tokens.filter((token) => this.#deadClaims.has(token)).length + this.#lost;
    const inHand = Math.max(0, known - ready - done - delayed - dead - inDeadHands);
    const isLeft = inHand > 0 || ready > 0 || leases > 0 || delayed > 0 || known < expected;
    return { expected, inHand, done, isOver: !['splitting', 'blurring'].includes(state) || !isLeft };
  }

  /**
   * Holds the writes with tiles in the hands of living workers, once `isTime` agrees. Returns how things stand then; null
   * when the image is over, or the deadline (ms since the epoch) has passed, before.
   */
  async hold(
    isTime: (tiles: Tiles) => boolean,
    deadline: number,
    signal: AbortSignal,
  ): Promise<Tiles | null> {
    for (; Date.now() < deadline; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
      const seen = await this.look();
      if (seen.isOver) return null;
      if (seen.inHand === 0 || !isTime(seen)) continue;
      await this.prolong();
      const held = await this.look();
      if (held.inHand > 0) return held;
      await this.release(); // They were handed in between the look and the hold.
    }
    return null;
  }

  /** Keeps writes held for another while. */
  async prolong(): Promise<void> {
    this.#isHeld = true;
    await this.#redis('CLIENT', 'PAUSE', HOLD_MS, 'WRITE');
  }

  /** Lets writes through again, if they are held. */
  async release(): Promise<void> {
    if (!this.#isHeld) return;
    await this.#redis('CLIENT', 'UNPAUSE');
    this.#isHeld = false;
  }

  /**
   * Lets writes through after the holders of `held` were killed. Returns how many tiles died with them: not those whose
   * result was on its way to Redis and got in.
   */
  async releaseAfterKill(held: Tiles): Promise<number> {
    const tokens = await this.#tokens();
    await this.release();
    // What Redis had kept back runs before it reads the next command.
    const { done } = await this.look();
    const died = Math.max(0, held.inHand - (done - held.done));
    if (tokens.length > 0) tokens.forEach((token) => this.#deadClaims.add(token));
    else this.#lost += died;
    return died;
  }

  async #tokens(): Promise<string[]> {
    const tokens = await this.#redis('HVALS', imageKeys(this.#keyPrefix, this.#imageId).tokens);
    return tokens.filter((token) => token !== '');
  }
}
