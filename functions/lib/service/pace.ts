// How slow a caller may be, in sending a body or in taking an answer. Without a limit, a caller that sends or takes a byte
// now and then holds a connection, its memory and its share of the uploads for as long as it likes.

export interface PaceLimit {
  /** The average that is wanted once the patience is used up. */
  minBytesPerS: number;
  /** How long nothing at all may pass, and how long the average is not looked at in the beginning. */
  patienceMs: number;
}

/** Watches one transfer. Counts only the time it is told of: the time in which the caller was the one to act. */
export class Pace {
  readonly #limit: PaceLimit;
  #waitedMs = 0;
  #stalledMs = 0;
  #bytes = 0;

  constructor(limit: PaceLimit) {
    this.#limit = limit;
  }

  /** Returns whether the transfer is too slow, after `ms` more of waiting, with `bytes` passed in all. */
  isTooSlow(bytes: number, ms: number): boolean {
    const { minBytesPerS, patienceMs } = this.#limit;
    this.#waitedMs += ms;
    this.#stalledMs = bytes > this.#bytes ? 0 : this.#stalledMs + ms;
    this.#bytes = bytes;
    const wanted = (minBytesPerS * (this.#waitedMs - patienceMs)) / 1000;
    return this.#stalledMs >= patienceMs || bytes < wanted;
  }
}
