// Pauses Redis's writes while workers are killed, so that tiles in flight cannot be acked, however fast the
// workers are. Then the demonstration does not depend on luck. Reads continue. Writes are only paused while a
// tile is in flight, because KEDA's scaler reads with EVAL, which counts as a write.
import { setTimeout as sleep } from 'node:timers/promises';
import { imageKeys, queueKeys } from '../functions/lib/queue/keys.ts';
import { numberOf, type RedisCall } from './target.ts';

/** Redis ends a pause by itself after this time. */
const HOLD_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** What is known about one image's tiles at one moment. */
export interface Tiles {
  /** All tiles of the image. */
  expected: number;
  /** Tiles in flight in living workers. */
  inFlight: number;
  done: number;
  /** Whether no worker will ever have one of its tiles in flight again. */
  isOver: boolean;
}

export class Freeze {
  readonly #redis: RedisCall;
  readonly #keyPrefix: string;
  readonly #imageId: string;
  /** Tokens of claims whose workers were killed. */
  readonly #deadClaims = new Set<string>();
  /** Tiles that died with their workers and will not come back, because naive mode does not record them. */
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
    // All are sent together, so Redis runs them one right after another.
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
    const deadInFlight = tokens.filter((token) => this.#deadClaims.has(token)).length + this.#lost;
    const inFlight = Math.max(0, known - ready - done - delayed - dead - deadInFlight);
    const isLeft = inFlight > 0 || ready > 0 || leases > 0 || delayed > 0 || known < expected;
    return { expected, inFlight, done, isOver: !['splitting', 'blurring'].includes(state) || !isLeft };
  }

  /**
   * Pauses the writes when tiles are in flight in living workers and `isTime` agrees. Returns the tiles at
   * that moment, or null if the image is over or the deadline (ms since the epoch) has passed before.
   */
  async hold(
    isTime: (tiles: Tiles) => boolean,
    deadline: number,
    signal: AbortSignal,
  ): Promise<Tiles | null> {
    for (; Date.now() < deadline; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
      const seen = await this.look();
      if (seen.isOver) return null;
      if (seen.inFlight === 0 || !isTime(seen)) continue;
      await this.prolong();
      const held = await this.look();
      if (held.inFlight > 0) return held;
      await this.release(); // They were acked between the look and the pause.
    }
    return null;
  }

  /** Keeps the writes paused for longer. */
  async prolong(): Promise<void> {
    this.#isHeld = true;
    await this.#redis('CLIENT', 'PAUSE', HOLD_MS, 'WRITE');
  }

  /** Ends the pause, if there is one. */
  async release(): Promise<void> {
    if (!this.#isHeld) return;
    await this.#redis('CLIENT', 'UNPAUSE');
    this.#isHeld = false;
  }

  /**
   * Ends the pause after the workers of `held` were killed. Returns how many tiles died with them, without
   * those whose results reached Redis anyway.
   */
  async releaseAfterKill(held: Tiles): Promise<number> {
    const tokens = await this.#tokens();
    await this.release();
    // Redis runs the commands it held back before it reads the next one.
    const { done } = await this.look();
    const died = Math.max(0, held.inFlight - (done - held.done));
    if (tokens.length > 0) tokens.forEach((token) => this.#deadClaims.add(token));
    else this.#lost += died;
    return died;
  }

  async #tokens(): Promise<string[]> {
    const tokens = await this.#redis('HVALS', imageKeys(this.#keyPrefix, this.#imageId).tokens);
    return tokens.filter((token) => token !== '');
  }
}
