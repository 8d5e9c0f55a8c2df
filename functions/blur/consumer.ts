// Step 3 of the walk: claim → convolve → ack, again and again, in a few slots side by side. With one slot more than
// tiles are convolved at once, a tile is fetched and another handed in meanwhile. An idle worker begins with one slot,
// and the others join in when its tile went well: a tile that kills the worker takes no other along.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatJob } from '../lib/job.ts';
import type { Log } from '../lib/log.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import type { Claim, TileQueue } from '../lib/queue/tile-queue.ts';

/** A slot's pause when no tile is ready: the next ones of an image that is still being cut come one by one. */
const PAUSE_MS = 5;
/** How long an idle worker waits for a tile before it looks for those whose lease or pause before a retry is over. */
const WAIT_MS = 100;
/** How often an idle worker looks for events that are overdue. */
const ANNOUNCE_EVERY_MS = 1000;

export interface ConsumerParts {
  queue: TileQueue;
  /** Blurs a claimed tile: its core's pixels. */
  convolve(claim: Claim): Promise<Uint8Array>;
  /** Sends the events that are due. */
  announce(): Promise<void>;
  slots: number;
  leaseMs: number;
  log: Log;
  /** From 0 to below 1: keeps workers that wait alike from asking at the same moments. */
  jitter?: () => number;
}

export class Consumer {
  readonly #parts: ConsumerParts;
  /** The tiles in hand, each with the timer that extends its lease. */
  readonly #held = new Map<Claim, NodeJS.Timeout>();
  /** Claims on their way. */
  readonly #claiming = new Set<Promise<Claim | null>>();
  /** Resolves with the next tile that is handed in, or when none will be. */
  #nextHandedIn = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  /** The time to drain is over: what is claimed goes back. */
  #isOver = false;
  readonly #loops: Promise<void>[] = [];
  /** Requests to drain the queue that are under way. */
  readonly #drains = new Set<Promise<number>>();
  readonly #firstPoll = Promise.withResolvers<void>();

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
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
    const finished = Promise.allSettled([...this.#loops, ...this.#drains]).then(() => true);
    const limit = new AbortController();
    const timedOut = sleep(drainMs, false, { signal: limit.signal }).catch(() => false);
    if (await Promise.race([finished, timedOut])) {
      limit.abort();
      return;
    }
    this.#isOver = true;
    const held = [...this.#held.keys()];
    this.#parts.log.warn('Tiles go back to the queue', { tiles: held.map((claim) => formatJob(claim.job)) });
    await Promise.all(held.map((claim) => this.#parts.queue.release(claim)));
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
    } catch (error) {
      this.#parts.log.error('The outbox cannot be read', { error });
    }
  }

  async #tryClaim(): Promise<Claim | null> {
    try {
      return await this.#claim();
    } catch (error) {
      this.#parts.log.error('No tile can be claimed', { error });
      await this.#pause(WAIT_MS); // A list with tiles on it would have it ask again at once.
      return null;
    } finally {
      this.#firstPoll.resolve();
    }
  }

  /** The next tile, in hand until {@link #handIn} is through with it; null when none is ready, or no more are wanted. */
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
    const { queue, leaseMs } = this.#parts;
    const claim = await queue.claim();
    if (claim === null) return null;
    if (this.#isOver) {
      await queue.release(claim);
      return null;
    }
    this.#held.set(
      claim,
      setInterval(() => this.#extend(claim), leaseMs / 3),
    );
    return claim;
  }

  /** Sees one tile to its end. Never throws: what goes wrong with a tile is the queue's to tell. */
  async #handIn(claim: Claim, core: Uint8Array | Error): Promise<void> {
    const { queue, log } = this.#parts;
    const job = formatJob(claim.job);
    try {
      if (core instanceof Error) {
        const answer = await queue.fail(claim, core.message);
        log.warn('A tile failed', { job, attempt: claim.attempt, answer, error: core });
        return;
      }
      const answer = await queue.ack(claim, core);
      freeBytes(core);
      this.#nextHandedIn.resolve();
      this.#nextHandedIn = Promise.withResolvers();
      log.debug('A tile is blurred', { job, attempt: claim.attempt, answer });
      if (answer === 'last') void this.#tryAnnounce();
    } catch (error) {
      log.error('A tile could not be handed in; its lease will expire', { job, error });
    } finally {
      clearInterval(this.#held.get(claim));
      this.#held.delete(claim);
    }
  }

  #extend(claim: Claim): void {
    this.#parts.queue.extend(claim).catch((error: unknown) => {
      this.#parts.log.warn('A lease could not be extended', { job: formatJob(claim.job), error });
    });
  }

  #jittered(ms: number): number {
    const { jitter = Math.random } = this.#parts;
    return ms * (0.5 + jitter());
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {}); // Stopping ends a pause early.
  }
}
