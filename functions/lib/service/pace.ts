// How slowly a caller may send a body or read a response. Without a limit, a caller that sends or reads a byte now and then could
// keep a connection, its memory and its upload place for as long as it likes.

export interface PaceLimit {
  /** The required average in each period of `patienceMs`. */
  minBytesPerS: number;
  /** The longest time without any byte. */
  patienceMs: number;
}

/**
 * Watches one transfer, period by period. Earlier periods do not count, so nobody can send a lot at first and then very slowly.
 * Only counts the time that it is given: the time in which the caller had to act.
 */
export class Pace {
  readonly #limit: PaceLimit;
  #periodMs = 0;
  #stalledMs = 0;
  #bytes: number;
  #bytesBeforePeriod: number;

  /** `bytes`: the bytes that were transferred before. */
  constructor(limit: PaceLimit, bytes = 0) {
    this.#limit = limit;
    this.#bytes = bytes;
    this.#bytesBeforePeriod = bytes;
  }

  /** Returns whether the transfer is too slow, after `ms` more of waiting and `bytes` in total. */
  isTooSlow(bytes: number, ms: number): boolean {
    const { minBytesPerS, patienceMs } = this.#limit;
    this.#stalledMs = bytes > this.#bytes ? 0 : this.#stalledMs + ms;
    this.#bytes = bytes;
    if (this.#stalledMs >= patienceMs) return true;
    this.#periodMs += ms;
    if (this.#periodMs < patienceMs) return false;
    const isTooSlow = bytes - this.#bytesBeforePeriod < (minBytesPerS * this.#periodMs) / 1000;
    this.#periodMs = 0;
    this.#bytesBeforePeriod = bytes;
    return isTooSlow;
  }
}
