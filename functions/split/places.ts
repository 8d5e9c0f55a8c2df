// A number of places, taken and given back. Who finds none waits in line.

export class Places {
  #free: number;
  readonly #line = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a place as soon as there is one. Resolves with false, without a place, if that takes longer than `waitMs`. */
  async take(waitMs = Infinity): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const call = () => resolve(true);
    this.#line.add(call);
    const giveUp = () => resolve(!this.#line.delete(call));
    const tooLong = waitMs === Infinity ? undefined : setTimeout(giveUp, waitMs);
    const hasPlace = await promise;
    clearTimeout(tooLong);
    return hasPlace;
  }

  /** Gives a place back: to the first in line, if there is one. */
  giveBack(): void {
    const [next] = this.#line;
    if (next === undefined) this.#free++;
    else {
      this.#line.delete(next);
      next();
    }
  }
}
