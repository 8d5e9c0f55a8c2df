// Logs a lasting fault once. While Redis is down, a worker meets the fault several times per second, in
// several places.
import type { Log } from '../log.ts';
import { isFromReplica, redisFault } from './faults.ts';

export class FaultLog {
  readonly #log: Log;
  /** What is failing now → its fault. */
  readonly #standing = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Reports that `what` failed. Logs it, unless this fault is known already, from here or from elsewhere. */
  met(what: string, error: unknown): void {
    const redis = redisFault(error);
    // A replica refuses different commands with different words.
    const fault = isFromReplica(error) ? 'replica' : (redis ?? String(error));
    const isKnown = [...this.#standing.values()].includes(fault);
    this.#standing.set(what, fault);
    if (isKnown) return;
    if (redis === null) this.#log.error(what, { error });
    else if (redis === 'unreachable') this.#log.warn('Redis cannot be reached', { error });
    else this.#log.warn('Redis refuses commands', { error });
  }

  /** Reports that `what` works. Logs that Redis is back if nothing else is failing. */
  over(what: string): void {
    if (this.#standing.delete(what) && this.#standing.size === 0) this.#log.info('Redis is back');
  }
}
