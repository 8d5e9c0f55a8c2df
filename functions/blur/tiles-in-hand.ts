// The tiles a worker has claimed, from the claim to the hand-in: keeps their leases alive meanwhile, and gives back what
// is not finished when the worker has to stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { freeBytes } from '../lib/image/pixels.ts';
import { formatJob } from '../lib/job.ts';
import type { Log } from '../lib/log.ts';
import type { AckAnswer, Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import type { FaultLog } from '../lib/redis/fault-log.ts';
import { redisFault } from '../lib/redis/faults.ts';

/** The pause before Redis is asked again to take what it has refused. */
const RETRY_MS = 1000;

export interface TilesInHandParts {
  queue: TileQueue;
  leaseMs: number;
  log: Log;
  faults: FaultLog;
}

export class TilesInHand {
  readonly #parts: TilesInHandParts;
  /** Each claim with the timer that extends its lease. */
  readonly #held = new Map<Claim, NodeJS.Timeout>();
  #isGivingBack = false;

  constructor(parts: TilesInHandParts) {
    this.#parts = parts;
  }

  /** Holds a tile until {@link handIn} is through with it. Returns null if it went back at once: it came too late. */
  async take(claim: Claim): Promise<Claim | null> {
    const { queue, leaseMs } = this.#parts;
    if (this.#isGivingBack) {
      await queue.release(claim);
      return null;
    }
    this.#held.set(
      claim,
      setInterval(() => this.#extend(claim), leaseMs / 3),
    );
    return claim;
  }

  /**
   * Sees one tile to its end: its blurred core, or why there is none. Never throws. Returns the queue's answer to a
   * core, or null when the tile failed or could not be handed in.
   */
  async handIn(claim: Claim, core: Uint8Array | Error): Promise<AckAnswer | null> {
    const { queue, log } = this.#parts;
    const job = formatJob(claim.job);
    try {
      if (core instanceof Error) {
        const answer = await this.#untilTaken(job, () => queue.fail(claim, core.message));
        const told = { job, attempt: claim.attempt, answer, error: core };
        // Its image was cancelled, which takes the pixels of its tiles, or another has the tile by now.
        if (answer === 'stale') log.debug('A tile that failed is not this claim’s any more', told);
        else log.warn('A tile failed', told);
        return null;
      }
      const answer = await this.#untilTaken(job, () => queue.ack(claim, core));
      freeBytes(core);
      log.debug('A tile is blurred', { job, attempt: claim.attempt, answer });
      return answer;
    } catch (error) {
      log.error('A tile could not be handed in; its lease will expire', { job, error });
      return null;
    } finally {
      clearInterval(this.#held.get(claim));
      this.#held.delete(claim);
    }
  }

  /** Gives all tiles back to the queue with their attempts refunded, and every tile that is taken later. */
  async giveBack(): Promise<void> {
    this.#isGivingBack = true;
    const held = [...this.#held.keys()];
    this.#parts.log.warn('Tiles go back to the queue', { tiles: held.map((claim) => formatJob(claim.job)) });
    await Promise.all(held.map((claim) => this.#parts.queue.release(claim)));
  }

  /**
   * Repeats the step that hands in tile `job` for as long as Redis refuses it. A result is worth the wait: the lease of
   * a tile that is dropped has to expire before anyone may do it again.
   */
  async #untilTaken<T>(job: string, step: () => Promise<T>): Promise<T> {
    const what = `${job} cannot be handed in`;
    try {
      for (;;) {
        try {
          return await step();
        } catch (error) {
          const fault = redisFault(error);
          // At the memory limit waiting is no help: what makes room is other tiles' results.
          if (fault === null || fault === 'OOM' || this.#isGivingBack) throw error;
          this.#parts.faults.met(what, error);
          await sleep(RETRY_MS);
        }
      }
    } finally {
      this.#parts.faults.over(what);
    }
  }

  #extend(claim: Claim): void {
    this.#parts.queue.extend(claim).catch((error: unknown) => {
      if (redisFault(error) !== null) return; // The heartbeat tells of it.
      this.#parts.log.warn('A lease could not be extended', { job: formatJob(claim.job), error });
    });
  }
}
