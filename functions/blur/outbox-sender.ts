// Sends the entries of an outbox that are due, a few at once, so that one slow receiver does not delay the others. An
// entry stays in its outbox until it is closed, so one that is not accepted is due again later.

/** The most entries that a worker sends at once. */
export const MOST_AT_ONCE = 4;

export interface OutboxSenderParts<Entry> {
  /** Returns the next entry that is due, for this sender alone, or null. */
  take(): Promise<Entry | null>;
  /** Sends an entry. Does not throw. `giveUp` is aborted when the worker cannot wait any longer. */
  send(entry: Entry, giveUp: AbortSignal): Promise<void>;
}

export class OutboxSender<Entry> {
  readonly #parts: OutboxSenderParts<Entry>;
  readonly #giveUp = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #isStopping = false;
  #taking: Promise<void> = Promise.resolve();
  /** A check that waits for the current one to end. */
  #nextCheck: Promise<void> | null = null;

  constructor(parts: OutboxSenderParts<Entry>) {
    this.#parts = parts;
  }

  /**
   * Starts to send every entry that is due, and resolves when the last one is on its way. If it is called
   * during a check, the outbox is checked once more afterwards, no matter how often it is called.
   */
  sendDue(): Promise<void> {
    this.#nextCheck ??= this.#taking.then(() => {
      const check = this.#takeDue();
      this.#nextCheck = null;
      this.#taking = check.catch(() => {}); // The caller gets the error; the next check does not depend on it.
      return check;
    });
    return this.#nextCheck;
  }

  /** Resolves when nothing is being sent. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** Sends no further entry. Aborts those on their way after `drainMs`; they stay in the outbox. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    const limit = setTimeout(() => this.#giveUp.abort(), drainMs);
    await this.#taking;
    await this.settled();
    clearTimeout(limit);
  }

  async #takeDue(): Promise<void> {
    while (!this.#isStopping) {
      if (this.#inFlight.size >= MOST_AT_ONCE) {
        await Promise.race(this.#inFlight);
        continue;
      }
      const entry = await this.#parts.take();
      if (entry === null) return;
      const sending = this.#parts
        .send(entry, this.#giveUp.signal)
        .finally(() => this.#inFlight.delete(sending));
      this.#inFlight.add(sending);
    }
  }
}
