// Work that was sent but is not confirmed yet. Its amount is limited, so that a fast producer cannot run
// ahead of Redis.

export class InFlight {
  readonly #limit: number;
  readonly #pending = new Set<Promise<void>>();
  #fault: { error: unknown } | null = null;

  /** Allows `limit` tasks at once. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts a task as soon as there is room. Throws the error of an earlier task. */
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

  /** Waits for all tasks. Throws the first error among them. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.#throwFault();
  }

  #throwFault(): void {
    if (this.#fault) throw this.#fault.error;
  }
}
