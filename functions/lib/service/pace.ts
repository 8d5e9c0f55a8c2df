// How slow a caller may be in sending a body or in reading an answer. Without a limit, a caller that sends or reads a byte now
// and then holds a connection, its memory and its share of the uploads for as long as it likes.

export interface PaceLimit {
  /** The average that is expected in each period of `patienceMs`. */
  minBytesPerS: number;
  /** How long nothing at all may pass. */
  patienceMs: number;
}

/**
 * Watches one transfer, period by period: what passed in earlier ones does not count, so nobody can send a lot at first and
 * then trickle. Counts only the time it is told of: the time in which the caller was the one to act.
 */
export class Pace {
  readonly #limit: PaceLimit;
  #periodMs = 0;
  #bytesBefore: number;

  /** `bytes`: what passed before the watch began. */
  constructor(limit: PaceLimit, bytes = 0) {
    this.#limit = limit;
    this.#bytesBefore = bytes;
  }

  /** Returns whether the transfer is too slow, after `ms` more of waiting, with `bytes` passed in all. */
  isTooSlow(bytes: number, ms: number): boolean {
    const { minBytesPerS, patienceMs } = this.#limit;
    this.#periodMs += ms;
    if (this.#periodMs < patienceMs) return false;
    const passed = bytes - this.#bytesBefore;
    const expected = (minBytesPerS * this.#periodMs) / 1000;
    this.#periodMs = 0;
    this.#bytesBefore = bytes;
    return passed === 0 || passed < expected;
  }
}
