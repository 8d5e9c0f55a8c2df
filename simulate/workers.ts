// The pods of blur: two slots each, as in functions/blur/consumer.ts, and a check of the outbox every second.
import type { Process, Simulation, Wait } from './simulation.ts';
import { Signal, type Station } from './station.ts';

const ANNOUNCE_EVERY_MS = 1000;

export interface Worker {
  thread: Station;
  isRunning: boolean;
  /** Events that it is sending. */
  sending: number;
  /** Sent with every result; then the second slot joins in. */
  handedIn: Signal;
}

/** What workers do. */
export interface Work {
  newThread(): Station;
  /** Blurs tiles until none is ready. */
  processReady(worker: Worker): Process;
  /** Waits for a tile for a limited time. */
  tileComes(): Wait;
  /** Sends the waiting events. */
  announce(worker: Worker): Process;
}

export class Workers {
  readonly #simulation: Simulation;
  readonly #startMs: number;
  readonly #work: Work;
  /** Workers that run or are starting. */
  #current: Worker[] = [];
  #endedBusyMs = 0;
  #podMs = 0;
  #changedAt = 0;

  constructor(simulation: Simulation, startMs: number, work: Work) {
    this.#simulation = simulation;
    this.#startMs = startMs;
    this.#work = work;
  }

  get replicas(): number {
    return this.#current.length;
  }

  /** CPU time of all workers so far. */
  get busyMs(): number {
    return this.#current.reduce((sum, { thread }) => sum + thread.busyMs, this.#endedBusyMs);
  }

  /** How long all pods have existed, added up. */
  get podMs(): number {
    return this.#podMs + this.replicas * (this.#simulation.now - this.#changedAt);
  }

  scale(replicas: number): void {
    this.#podMs = this.podMs;
    this.#changedAt = this.#simulation.now;
    while (this.#current.length < replicas) this.#current.push(this.#begin());
    for (const worker of this.#current.splice(replicas)) {
      worker.isRunning = false;
      this.#endedBusyMs += worker.thread.busyMs;
    }
  }

  #begin(): Worker {
    const worker: Worker = {
      thread: this.#work.newThread(),
      isRunning: true,
      sending: 0,
      handedIn: new Signal(this.#simulation),
    };
    this.#simulation.start(this.#run(worker));
    return worker;
  }

  *#run(worker: Worker): Process {
    yield this.#simulation.pause(this.#startMs);
    this.#simulation.start(this.#follow(worker));
    this.#simulation.start(this.#announceOverdue(worker));
    while (worker.isRunning) {
      yield* this.#work.processReady(worker);
      yield this.#work.tileComes();
    }
  }

  *#follow(worker: Worker): Process {
    while (worker.isRunning) {
      yield worker.handedIn.wait();
      yield* this.#work.processReady(worker);
    }
  }

  *#announceOverdue(worker: Worker): Process {
    while (worker.isRunning) {
      yield this.#simulation.pause(ANNOUNCE_EVERY_MS);
      yield* this.#work.announce(worker);
    }
  }
}
