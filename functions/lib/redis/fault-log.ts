// Logs a lasting fault once. While Redis is down, a worker meets the fault several times per second, in several places, and so do
// the requests to a function.
import type { Log } from '../log.ts';
import type { Problem } from '../errors.ts';
import { isFromReplica, redisFault } from './faults.ts';

/** How long a fault that requests met counts as known. */
const KNOWN_MS = 60_000;
/** A fault that requests met can be over when none has met it for this long. */
const QUIET_MS = 5000;

/** A fault that requests met while the heartbeat succeeded. */
interface MetFault {
  isFromRedis: boolean;
  loggedAt: number;
  metAt: number;
  /** What the requests wanted that met it. */
  wishes: Set<string>;
  /** Whether a request that wanted the same has succeeded since. */
  hasPassed: boolean;
}

export class FaultLog {
  readonly #log: Log;
  /** What is failing now → its fault. */
  readonly #standing = new Map<string, string>();
  /** The faults that requests met. */
  readonly #metByRequests = new Map<string, MetFault>();
  readonly #now: () => number;

  /** `now`: a clock in milliseconds that never goes back. */
  constructor(log: Log, now = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Reports that `what` failed. Logs it, unless this fault is known already, from here or from elsewhere. */
  met(what: string, error: unknown): void {
    const fault = faultOf(error);
    const isKnown = this.#isKnown(fault);
    this.#standing.set(what, fault);
    if (!isKnown) this.#write(what, error);
  }

  /** Reports that `what` works. Logs what is over, unless something else is failing. */
  over(what: string): void {
    const wasStanding = this.#standing.delete(what);
    if (this.#standing.size > 0) return;
    if (!wasStanding) return this.#endMetByRequests();
    this.#metByRequests.clear();
    this.#log.info('Redis is back');
  }

  /**
   * Reports that a request that wanted `wish` failed for a reason that other requests will meet too. Logs its cause, unless
   * this fault is known already, or another is that may be its cause: a connection that is closed because Redis is a replica
   * fails the requests on it. A fault that goes on is logged again after a minute.
   */
  metByRequest(wish: string, { cause }: Problem): void {
    // Without a cause, the fault was known before the request came.
    if (cause === undefined || this.#mayCauseOthers()) return;
    const fault = faultOf(cause);
    const isKnown = this.#isKnown(fault);
    const before = this.#metByRequests.get(fault);
    const now = this.#now();
    this.#metByRequests.set(fault, {
      isFromRedis: redisFault(cause) !== null,
      loggedAt: isKnown && before ? before.loggedAt : now,
      metAt: now,
      wishes: new Set(before?.wishes).add(wish),
      hasPassed: false,
    });
    if (!isKnown) this.#write('Requests fail', cause);
  }

  /** Reports that a request that wanted `wish` succeeded. Others may still fail, so it ends no fault by itself. */
  requestSucceeded(wish: string): void {
    for (const met of this.#metByRequests.values()) if (met.wishes.has(wish)) met.hasPassed = true;
  }

  /** Logs which faults of requests are over. */
  #endMetByRequests(): void {
    for (const [fault, { isFromRedis, metAt, hasPassed }] of this.#metByRequests) {
      if (!hasPassed || this.#now() - metAt < QUIET_MS) continue;
      this.#metByRequests.delete(fault);
      this.#log.info(isFromRedis ? 'Redis is back' : 'Requests succeed again');
    }
  }

  /** Whether a fault stands that may be the cause of others. A memory limit closes no connection. */
  #mayCauseOthers(): boolean {
    return [...this.#standing.values()].some((fault) => fault !== 'OOM');
  }

  #isKnown(fault: string): boolean {
    const loggedAt = this.#metByRequests.get(fault)?.loggedAt ?? -Infinity;
    return [...this.#standing.values()].includes(fault) || this.#now() - loggedAt < KNOWN_MS;
  }

  #write(what: string, error: unknown): void {
    const redis = redisFault(error);
    if (redis === null) this.#log.error(what, { error });
    else if (redis === 'unreachable') this.#log.warn('Redis cannot be reached', { error });
    else this.#log.warn('Redis refuses commands', { error });
  }
}

/** What makes two errors the same fault. */
function faultOf(error: unknown): string {
  // A replica refuses different commands with different words.
  if (isFromReplica(error)) return 'replica';
  // The message of a file system's error names the file.
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return redisFault(error) ?? String(code ?? error);
}
