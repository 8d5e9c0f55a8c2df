// Faults that last, logged once. A worker meets a Redis that is away several times a second, in several places at once.
import type { Log } from '../log.ts';
import { isFromReplica, redisFault } from './faults.ts';

export class FaultLog {
  readonly #log: Log;
  /** What fails now → its fault. */
  readonly #standing = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `what` failed. Logs it unless this fault is known already, from here or from elsewhere. */
  met(what: string, error: unknown): void {
    const redis = redisFault(error);
    // A replica refuses one command with this word and the next with that.
    const fault = isFromReplica(error) ? 'replica' : (redis ?? String(error));
    const isKnown = [...this.#standing.values()].includes(fault);
    this.#standing.set(what, fault);
    if (isKnown) return;
    if (redis === null) this.#log.error(what, { error });
    else if (redis === 'unreachable') this.#log.warn('Redis cannot be reached', { error });
    else this.#log.warn('Redis refuses commands', { error });
  }

  /** `what` works. Logs it if that was the last thing that failed. */
  over(what: string): void {
    if (this.#standing.delete(what) && this.#standing.size === 0) this.#log.info('Redis is back');
  }
}
