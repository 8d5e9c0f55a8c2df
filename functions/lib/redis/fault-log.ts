// Logs a lasting fault once. While Redis is down, a worker meets the fault several times per second, in several places, and so do
// the requests to a function.
import type { Log } from '../log.ts';
import type { Problem } from '../errors.ts';
import { isFromReplica, redisFault } from './faults.ts';

/** How long a fault that requests met counts as known. */
const KNOWN_MS = 60_000;

export class FaultLog {
  readonly #log: Log;
  /** What is failing now → its fault. */
  readonly #standing = new Map<string, string>();
  /** Fault that a request met → when it was logged, ms. */
  readonly #metByRequests = new Map<string, number>();
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

  /** Reports that `what` works. Logs that Redis is back if nothing else is failing. */
  over(what: string): void {
    if (!this.#standing.delete(what) || this.#standing.size > 0) return;
    this.#metByRequests.clear();
    this.#log.info('Redis is back');
  }

  /**
   * Reports that a request failed for a reason that other requests will meet too. Logs its cause, unless this fault is known
   * already, or another is: a connection that is closed because Redis is a replica fails the requests on it. A request that succeeds does not mean that the fault is over, because others may still fail. So the fault is
   * logged again after a minute.
   */
  metByRequest({ cause }: Problem): void {
    // Without a cause, the fault was known before the request came.
    if (cause === undefined || this.#standing.size > 0) return;
    const fault = faultOf(cause);
    if (this.#isKnown(fault)) return;
    this.#metByRequests.set(fault, this.#now());
    this.#write('Requests fail', cause);
  }

  #isKnown(fault: string): boolean {
    const metAt = this.#metByRequests.get(fault) ?? -Infinity;
    return [...this.#standing.values()].includes(fault) || this.#now() - metAt < KNOWN_MS;
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
