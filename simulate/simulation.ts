// The clock of the model. A process is a generator: it yields whenever time passes for it, and continues when
// the event it waits for has happened. All times are milliseconds.
import { EventQueue } from './event-queue.ts';

/** Something to wait for. It is given the function that continues the process. */
export type Wait = (goOn: () => void) => void;

export type Process = Generator<Wait, void, void>;

export class Simulation {
  readonly #events = new EventQueue();
  #now = 0;

  get now(): number {
    return this.#now;
  }

  /** Starts a process now. */
  start(process: Process): void {
    const step = () => {
      const { done, value } = process.next();
      if (!done) value(step);
    };
    step();
  }

  /** Runs until nothing is left to happen, or until the time `until`. */
  run(until = Infinity): void {
    while (this.#events.next < Infinity && this.#events.next <= until) {
      this.#now = this.#events.next;
      this.#events.take()();
    }
    if (until < Infinity) this.#now = until;
  }

  pause(ms: number): Wait {
    return (goOn) => this.#events.add(this.#now + ms, goOn);
  }
}
