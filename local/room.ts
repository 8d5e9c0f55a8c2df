// A limited amount of something that several tasks share, such as memory. Tasks take their part in turn.

interface Waiting {
  amount: number;
  enter: () => void;
}

export class Room {
  readonly #limit: number;
  readonly #line: Waiting[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes `amount` when that much is free and all earlier tasks have theirs. A task that needs more than the whole takes it alone. */
  async take(amount: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#line.push({ amount, enter: resolve });
    this.#letIn();
    return promise;
  }

  giveBack(amount: number): void {
    this.#taken -= amount;
    this.#letIn();
  }

  #letIn(): void {
    while (this.#line.length > 0) {
      const [{ amount, enter }] = this.#line;
      if (this.#taken > 0 && this.#taken + amount > this.#limit) return;
      this.#line.shift();
      this.#taken += amount;
      enter();
    }
  }
}
