// Step 3 of the walk: claim → convolve → ack, again and again, in a few slots side by side. With one slot more than
// tiles are convolved at once, a tile is fetched and another handed in meanwhile. An idle worker begins with one slot,
// and the others join in when its tile went well: a tile that kills the worker takes no other along.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../lib/log.ts';
import type { Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import type { FaultLog } from '../lib/redis/fault-log.ts';
import { TilesInHand } from './tiles-in-hand.ts';

/** A slot's pause when no tile is ready: the next ones of an image that is still being cut come one by one. */
const PAUSE_MS = 5;
/** How long an idle worker waits for a tile before it looks for those whose lease or pause before a retry is over. */
const WAIT_MS = 100;
/** How often an idle worker looks for events that are overdue. */
const ANNOUNCE_EVERY_MS = 1000;
/** The pause before a step that failed is tried again. */
const RETRY_MS = 1000;

const CLAIMING = 'No tile can be claimed';
const ANNOUNCING = 'The outbox cannot be read';

export interface ConsumerParts {
  queue: TileQueue;
  /** Blurs a claimed tile: its core's pixels. */
  convolve(claim: Claim): Promise<Uint8Array>;
  /** Sends the events that are due. */
  announce(): Promise<void>;
  slots: number;
  leaseMs: number;
  log: Log;
  faults: FaultLog;
  /** From 0 to below 1: keeps workers that wait alike from asking at the same moments. */
  jitter?: () => number;
}

export class Consumer {
  readonly #parts: ConsumerParts;
  readonly #inHand: TilesInHand;
  /** Claims on their way. */
  readonly #claiming = new Set<Promise<Claim | null>>();
  /** Resolves with the next tile that is handed in, or when none will be. */
  #nextHandedIn = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** Requests to drain the queue that are under way. */
  readonly #drains = new Set<Promise<number>>();
  readonly #firstPoll = Promise.withResolvers<void>();

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#inHand = new TilesInHand(parts);
  }

  /** Resolves once the queue has been asked for a tile for the first time. */
  get firstPoll(): Promise<void> {
    return this.#firstPoll.promise;
  }

  /** Consumes until {@link stop}. */
  start(): void {
    this.#loops.push(this.#lead(), this.#announceOverdue());
    for (let slot = 1; slot < this.#parts.slots; slot++) this.#loops.push(this.#follow());
  }

  /** Processes tiles until none is ready. Returns how many it processed. */
  async drainQueue(): Promise<number> {
    const draining = this.#drain();
    this.#drains.add(draining);
    return draining.finally(() => this.#drains.delete(draining));
  }

  /**
   * Claims no more and finishes the tiles in hand, those of requests to drain too; what is not finished after `drainMs`
   * goes back to the queue with its attempt refunded.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#nextHandedIn.resolve();
    void this.#parts.queue.stopClaiming();
    const finished = Promise.allSettled([...this.#loops, ...this.#drains]).then(() => true);
    const limit = new AbortController();
    const timedOut = sleep(drainMs, false, { signal: limit.signal }).catch(() => false);
    if (await Promise.race([finished, timedOut])) {
      limit.abort();
      return;
    }
    await this.#inHand.giveBack();
    await Promise.allSettled(this.#claiming);
  }

  /** Throws what went wrong in a slot once all of them have ended. */
  async #drain(): Promise<number> {
    const slots = Array.from({ length: this.#parts.slots }, () => this.#processReady(() => this.#claim()));
    await Promise.allSettled(slots);
    const processed = await Promise.all(slots);
    await this.#parts.announce();
    return processed.reduce((sum, each) => sum + each, 0);
  }

  /** The slot that waits for tiles. */
  async #lead(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#processReady(() => this.#tryClaim());
      await this.#pause(this.#jittered(PAUSE_MS));
      await this.#wait();
    }
  }

  /** A slot that joins in. */
  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#nextHandedIn.promise;
      await this.#processReady(() => this.#tryClaim());
      await this.#pause(this.#jittered(PAUSE_MS));
    }
  }

  async #wait(): Promise<void> {
    // What is wrong with Redis is met by the next claim, which says so.
    const tileComing = this.#parts.queue.wait(WAIT_MS).catch(() => this.#pause(WAIT_MS));
    // The pause ends at once when stopping, and some time when no answer comes at all.
    await Promise.race([tileComing, this.#pause(2 * WAIT_MS)]);
  }

  /** Processes one tile after another until none is ready; each result is handed in while the next tile is claimed. */
  async #processReady(claimNext: () => Promise<Claim | null>): Promise<number> {
    let processed = 0;
    let handedIn = Promise.resolve();
    try {
      for (let claim = await claimNext(); claim; claim = await claimNext()) {
        const core = await this.#parts.convolve(claim).catch((error: unknown) => error as Error);
        await handedIn;
        handedIn = this.#handIn(claim, core);
        processed++;
      }
    } finally {
      await handedIn;
    }
    return processed;
  }

  async #announceOverdue(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#tryAnnounce();
      await this.#pause(this.#jittered(ANNOUNCE_EVERY_MS));
    }
  }

  async #tryAnnounce(): Promise<void> {
    try {
      await this.#parts.announce();
      this.#parts.faults.over(ANNOUNCING);
    } catch (error) {
      this.#parts.faults.met(ANNOUNCING, error);
    }
  }

  async #tryClaim(): Promise<Claim | null> {
    try {
      const claim = await this.#claim();
      this.#parts.faults.over(CLAIMING);
      return claim;
    } catch (error) {
      this.#parts.faults.met(CLAIMING, error);
      await this.#pause(this.#jittered(RETRY_MS)); // A list with tiles on it would have it ask again at once.
      return null;
    } finally {
      this.#firstPoll.resolve();
    }
  }

  /** The next tile, in hand until {@link #handIn}; null when none is ready, or no more are wanted. */
  async #claim(): Promise<Claim | null> {
    if (this.#stopping.signal.aborted) return null;
    const claiming = this.#takeInHand();
    this.#claiming.add(claiming);
    try {
      return await claiming;
    } finally {
      this.#claiming.delete(claiming);
    }
  }

  async #takeInHand(): Promise<Claim | null> {
    const claim = await this.#parts.queue.claim();
    return claim && this.#inHand.take(claim);
  }

  async #handIn(claim: Claim, core: Uint8Array | Error): Promise<void> {
    const answer = await this.#inHand.handIn(claim, core);
    if (answer === null) return;
    this.#nextHandedIn.resolve();
    this.#nextHandedIn = Promise.withResolvers();
    if (answer === 'last') void this.#tryAnnounce();
  }

  #jittered(ms: number): number {
    const { jitter = Math.random } = this.#parts;
    return ms * (0.5 + jitter());
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {}); // Stopping ends a pause early.
  }
}
