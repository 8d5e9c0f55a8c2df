// Takes turns when there are more things than can be looked at at once.

export class Turns<T extends object> {
  /** In which turn each one was last. */
  readonly #last = new WeakMap<T, number>();
  #turn = 0;

  /** Returns at most `count` of `all`: those that have waited longest. Of several, the first in `all`. */
  next(all: readonly T[], count: number): T[] {
    const turnOf = (one: T) => this.#last.get(one) ?? 0;
    const chosen = [...all].sort((a, b) => turnOf(a) - turnOf(b)).slice(0, count);
    this.#turn++;
    for (const one of chosen) this.#last.set(one, this.#turn);
    return chosen;
  }
}
