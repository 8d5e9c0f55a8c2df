// A limited number of places, of which one client may hold only some. Callers that find none wait in line.

interface Waiting {
  client: string;
  call: () => void;
}

export class Places {
  readonly count: number;
  /** How many places one client may hold. */
  readonly perClient: number;
  #free: number;
  /** Client → number of places it holds. */
  readonly #held = new Map<string, number>();
  readonly #line = new Set<Waiting>();

  /** Provides `count` places. One client may hold the `share` of them, but at least one. */
  constructor(count: number, share: number) {
    this.count = count;
    this.#free = count;
    this.perClient = Math.max(1, Math.floor(count * share));
  }

  /**
   * Takes a place as soon as one is free. Resolves with false, without a place, if that takes longer than `waitMs`, or when
   * `gone` is aborted.
   */
  async take(client: string, waitMs = Infinity, gone?: AbortSignal): Promise<boolean> {
    if (this.#isOpenTo(client)) {
      this.#give(client);
      return true;
    }
    if (gone?.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting: Waiting = { client, call: () => resolve(true) };
    this.#line.add(waiting);
    const giveUp = () => resolve(!this.#line.delete(waiting));
    const tooLong = waitMs === Infinity ? undefined : setTimeout(giveUp, waitMs);
    gone?.addEventListener('abort', giveUp);
    const hasPlace = await promise;
    clearTimeout(tooLong);
    gone?.removeEventListener('abort', giveUp);
    return hasPlace;
  }

  /** How many places are taken. */
  get taken(): number {
    return this.count - this.#free;
  }

  /** Whether as many callers wait as there are places: one more has little chance to get one soon. */
  get isCrowded(): boolean {
    return this.#line.size >= this.count;
  }

  /** Returns a place of `client`. The first in line that may have it gets it. */
  giveBack(client: string): void {
    const left = this.#heldBy(client) - 1;
    if (left > 0) this.#held.set(client, left);
    else this.#held.delete(client);
    this.#free++;
    for (const waiting of this.#line) {
      if (!this.#isOpenTo(waiting.client)) continue;
      this.#line.delete(waiting);
      this.#give(waiting.client);
      waiting.call();
      return;
    }
  }

  #isOpenTo(client: string): boolean {
    return this.#free > 0 && this.#heldBy(client) < this.perClient;
  }

  #give(client: string): void {
    this.#free--;
    this.#held.set(client, this.#heldBy(client) + 1);
  }

  #heldBy(client: string): number {
    return this.#held.get(client) ?? 0;
  }
}
