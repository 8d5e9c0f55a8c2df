// Work sent but not confirmed yet, kept within a bound so that a fast producer cannot run ahead of Redis.

export class InFlight {
  readonly #limit: number;
  readonly #pending = new Set<Promise<void>>();
  #fault: { error: unknown } | null = null;

  /** Lets `limit` pieces of work be under way at once. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a piece of work, once there is room. Throws what an earlier piece threw. */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#pending.size >= this.#limit) await Promise.race(this.#pending);
    this.#throwFault();
    const running: Promise<void> = work()
      .catch((error: unknown) => {
        this.#fault ??= { error };
      })
      .finally(() => this.#pending.delete(running));
    this.#pending.add(running);
  }

  /** Waits for all that was added. Throws the first fault among it. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.#throwFault();
  }

  #throwFault(): void {
    if (this.#fault) throw this.#fault.error;
  }
}
