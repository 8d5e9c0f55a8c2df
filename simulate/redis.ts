// The one Redis that all share: a thread that runs commands one after another, and a memory budget for
// images.
import type { Settings } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';
import { Station, type Cores } from './station.ts';

/** When a client whose image found no room retries. */
const COME_AGAIN_MS = 1000;

export class Redis {
  readonly thread: Station;
  refused = 0;
  readonly #simulation: Simulation;
  readonly #settings: Settings;
  #heldBytes = 0;

  constructor(simulation: Simulation, settings: Settings, cores: Cores | null) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.thread = new Station(simulation, cores);
  }

  /** Memory that images hold. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A command that keeps Redis busy for `ms`, with its round trip. */
  *ask(ms: number): Process {
    yield this.#simulation.pause(this.#settings.roundTripMs);
    yield* this.thread.work(ms);
  }

  /** Reserves memory for an image, as soon as there is room. An image that is alone is admitted whatever it needs. */
  *admit(bytes: number): Process {
    while (this.#heldBytes > 0 && this.#heldBytes + bytes > this.#settings.budgetBytes) {
      this.refused++;
      yield this.#simulation.pause(COME_AGAIN_MS);
    }
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
