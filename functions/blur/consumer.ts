// Step 3 of the pipeline: claim → convolve → ack, repeatedly, in a few slots at the same time. There is one
// slot more than tiles that are convolved at once, so that one tile can be fetched and another acked
// meanwhile. An idle worker starts with one slot, and the others join in when its tile has succeeded. So a
// tile that kills the worker affects no other tile.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../lib/log.ts';
import type { Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import type { FaultLog } from '../lib/redis/fault-log.ts';
import { TilesInFlight } from './tiles-in-flight.ts';

/** A slot's pause when no tile is ready. While an image is being cut, its tiles come one by one. */
const PAUSE_MS = 5;
/** How long an idle worker waits for a tile before it checks for expired leases and due retries. */
const WAIT_MS = 100;
/** How often an idle worker checks for overdue events. */
const ANNOUNCE_EVERY_MS = 1000;
/** Pause before a failed step is tried again. */
const RETRY_MS = 1000;

const CLAIMING = 'No tile can be claimed';
const ANNOUNCING = 'The outbox cannot be read';

export interface ConsumerParts {
  queue: TileQueue;
  /** Blurs a claimed tile. Returns its core's pixels. */
  convolve(claim: Claim): Promise<Uint8Array>;
  /** Sends all due events of blurred and ended images. Resolves when they are on their way. */
  announce(): Promise<void>;
  /** Resolves when no event is on its way. */
  announced(): Promise<void>;
  slots: number;
  leaseMs: number;
  log: Log;
  faults: FaultLog;
  /** Returns a number from 0 to below 1, so that idle workers do not all ask at the same moments. */
  jitter?: () => number;
}

export class Consumer {
  readonly #parts: ConsumerParts;
  readonly #inFlight: TilesInFlight;
  /** Claims that are waiting for Redis. */
  readonly #claiming = new Set<Promise<Claim | null>>();
  /** Resolves when the next tile is settled, or when none will be. */
  #nextSettled = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** Requests to drain the queue that are in progress. */
  readonly #drains = new Set<Promise<number>>();
  readonly #firstPoll = Promise.withResolvers<void>();
  #done = 0;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
    this.#inFlight = new TilesInFlight(parts);
  }

  /** Resolves when the queue has been asked for a tile for the first time. */
  get firstPoll(): Promise<void> {
    return this.#firstPoll.promise;
  }

  /** How many tiles are in flight, and how many this consumer has blurred. */
  get load(): { inFlight: number; done: number } {
    return { inFlight: this.#inFlight.count, done: this.#done };
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
   * Claims no more tiles and finishes those in flight, including those of requests to drain. After `drainMs`
   * the rest is released, and its attempts do not count.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#nextSettled.resolve();
    void this.#parts.queue.stopClaiming();
    const finished = Promise.allSettled([...this.#loops, ...this.#drains]).then(() => true);
    const limit = new AbortController();
    const timedOut = sleep(drainMs, false, { signal: limit.signal }).catch(() => false);
    if (await Promise.race([finished, timedOut])) {
      limit.abort();
      return;
    }
    await this.#inFlight.releaseAll();
    await Promise.allSettled(this.#claiming);
  }

  /** Throws the fault of a slot when all slots have ended. */
  async #drain(): Promise<number> {
    const slots = Array.from({ length: this.#parts.slots }, () => this.#processReady(() => this.#claim()));
    await Promise.allSettled(slots);
    const processed = await Promise.all(slots);
    await this.#parts.announce();
    await this.#parts.announced();
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

  /** A slot that joins in when a tile has succeeded. */
  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#nextSettled.promise;
      await this.#processReady(() => this.#tryClaim());
      await this.#pause(this.#jittered(PAUSE_MS));
    }
  }

  async #wait(): Promise<void> {
    // If Redis has a fault, the next claim fails too and reports it.
    const tileComing = this.#parts.queue.wait(WAIT_MS).catch(() => this.#pause(WAIT_MS));
    // The pause ends at once when stopping. It also ends the wait if Redis never replies.
    await Promise.race([tileComing, this.#pause(2 * WAIT_MS)]);
  }

  /** Processes one tile after another until none is ready. Each result is acked while the next tile is claimed. */
  async #processReady(claimNext: () => Promise<Claim | null>): Promise<number> {
    let processed = 0;
    let settled = Promise.resolve();
    try {
      for (let claim = await claimNext(); claim; claim = await claimNext()) {
        const core = await this.#parts.convolve(claim).catch((error: unknown) => error as Error);
        await settled;
        settled = this.#settle(claim, core);
        processed++;
      }
    } finally {
      await settled;
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
      await this.#pause(this.#jittered(RETRY_MS)); // With tiles on the list it would ask again at once.
      return null;
    } finally {
      this.#firstPoll.resolve();
    }
  }

  /** Returns the next tile, in flight until {@link #settle}, or null if none is ready or no more are wanted. */
  async #claim(): Promise<Claim | null> {
    if (this.#stopping.signal.aborted) return null;
    const claiming = this.#takeInFlight();
    this.#claiming.add(claiming);
    try {
      return await claiming;
    } finally {
      this.#claiming.delete(claiming);
    }
  }

  async #takeInFlight(): Promise<Claim | null> {
    const claim = await this.#parts.queue.claim();
    return claim && this.#inFlight.take(claim);
  }

  async #settle(claim: Claim, core: Uint8Array | Error): Promise<void> {
    const answer = await this.#inFlight.settle(claim, core);
    if (answer === null) return;
    if (answer === 'acked' || answer === 'last') this.#done++;
    this.#nextSettled.resolve();
    this.#nextSettled = Promise.withResolvers();
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
