// The tiles that a worker has claimed and not settled yet. Extends their leases, and releases those that are
// not finished when the worker has to stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { freeBytes } from '../lib/image/pixels.ts';
import { formatJob } from '../lib/job.ts';
import type { Log } from '../lib/log.ts';
import { stopwatch, time } from '../lib/metrics/measure.ts';
import type { AckAnswer, Claim, TileQueue } from '../lib/queue/tile-queue.ts';
import type { FaultLog } from '../lib/redis/fault-log.ts';
import { redisFault } from '../lib/redis/faults.ts';
import { continueTrace, type Span } from '../lib/tracing/spans.ts';

/** Pause before Redis is asked again to accept what it has refused. */
const RETRY_MS = 1000;

export interface TilesInFlightParts {
  queue: TileQueue;
  leaseMs: number;
  log: Log;
  faults: FaultLog;
}

interface Hold {
  /** Extends the lease. */
  timer: NodeJS.Timeout;
  /** From the claim until it is settled. */
  span: Span;
  /** Returns the seconds since the claim. */
  secondsHeld: () => number;
}

export class TilesInFlight {
  readonly #parts: TilesInFlightParts;
  readonly #held = new Map<Claim, Hold>();
  #isReleasing = false;

  constructor(parts: TilesInFlightParts) {
    this.#parts = parts;
  }

  /** How many tiles are held. */
  get count(): number {
    return this.#held.size;
  }

  /**
   * Holds a tile until {@link settle} has finished. Returns null if the tile was released at once, because it
   * came too late.
   */
  async take(claim: Claim): Promise<Claim | null> {
    const { queue, leaseMs } = this.#parts;
    if (this.#isReleasing) {
      await queue.release(claim);
      return null;
    }
    this.#held.set(claim, {
      timer: setInterval(() => this.#extend(claim), leaseMs / 3),
      span: startSpanOf(claim),
      secondsHeld: stopwatch(),
    });
    return claim;
  }

  /**
   * Acks a tile with its blurred core, or fails it with the reason. Never throws. Returns the queue's answer
   * to an ack, or null if the tile failed or could not be settled.
   */
  async settle(claim: Claim, core: Uint8Array | Error): Promise<AckAnswer | null> {
    const hold = this.#held.get(claim);
    try {
      return hold ? await hold.span.run(() => this.#settle(claim, core, hold)) : null;
    } finally {
      clearInterval(hold?.timer);
      this.#held.delete(claim);
    }
  }

  async #settle(
    claim: Claim,
    core: Uint8Array | Error,
    { span, secondsHeld }: Hold,
  ): Promise<AckAnswer | null> {
    const { queue, log } = this.#parts;
    const job = formatJob(claim.job);
    try {
      if (core instanceof Error) {
        const answer = await this.#untilTaken(job, () => queue.fail(claim, core.message));
        endSpan(span, answer, core);
        const told = { ...subjectOf(claim), answer, error: core };
        // Its image was cancelled, which frees the pixels of its tiles, or another claim has the tile by now.
        if (answer === 'stale') log.debug('A failed tile no longer belongs to this claim', told);
        else log.warn('A tile failed', told);
        return null;
      }
      const answer = await this.#untilTaken(job, () => queue.ack(claim, core));
      freeBytes(core);
      if (answer === 'acked' || answer === 'last') time('tile', secondsHeld());
      endSpan(span, answer);
      log.debug('A tile is blurred', { ...subjectOf(claim), answer });
      return answer;
    } catch (error) {
      endSpan(span, 'unsettled', error);
      log.error('A tile could not be settled; its lease will expire', { ...subjectOf(claim), error });
      return null;
    }
  }

  /** Releases all tiles, now and later, without counting their attempts. */
  async releaseAll(): Promise<void> {
    this.#isReleasing = true;
    const held = [...this.#held];
    this.#parts.log.warn('Tiles are returned to the queue', {
      tiles: held.map(([{ job }]) => formatJob(job)),
    });
    await Promise.all(
      held.map(async ([claim, { span }]) => endSpan(span, await this.#parts.queue.release(claim))),
    );
  }

  /**
   * Repeats the step that settles tile `job` as long as Redis refuses it. The result is worth the wait: if
   * the tile were dropped, its lease would have to expire before it could be blurred again.
   */
  async #untilTaken<T>(job: string, step: () => Promise<T>): Promise<T> {
    const what = `${job} cannot be settled`;
    try {
      for (;;) {
        try {
          return await step();
        } catch (error) {
          const fault = redisFault(error);
          // At the memory limit waiting does not help: other tiles' results make room.
          if (fault === null || fault === 'OOM' || this.#isReleasing) throw error;
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
      if (redisFault(error) !== null) return; // The heartbeat logs it.
      this.#parts.log.warn('A lease could not be extended', { ...subjectOf(claim), error });
    });
  }
}

/** Returns what log lines say about an attempt. */
function subjectOf({ job: { imageId, tile }, attempt }: Claim) {
  return { imageId, tile, attempt };
}

/** Starts the span of one attempt at a tile. */
function startSpanOf({ trace, job, attempt, recipe }: Claim): Span {
  return continueTrace(trace, 'blur tile', {
    kind: 'consumer',
    attributes: {
      'tessera.image': job.imageId,
      'tessera.tile': job.tile,
      'tessera.attempt': attempt,
      'tessera.recipe': recipe,
    },
  });
}

/** Ends the span of an attempt with what the queue said to its token. Only the first end counts. */
function endSpan(span: Span, outcome: string, error?: unknown): void {
  span.set({ 'tessera.outcome': outcome });
  span.end(error);
}
