// The pods of a function that Knative scales by its requests. An added pod stays until the end of the run.
import type { RequestScaling } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';
import { Tokens, type Station } from './station.ts';

/** How often Knative's autoscaler decides. */
const DECIDE_EVERY_MS = 2000;

export interface Pod {
  /** Runs the function's own code. */
  thread: Station;
  /** Compress and inflate at the same time. */
  helpers: Station;
  /** Requests it serves now. */
  requests: number;
}

export class RequestPods {
  readonly #simulation: Simulation;
  readonly #scaling: RequestScaling;
  readonly #newPod: () => Pod;
  readonly #ready: Pod[] = [];
  readonly #places = new Tokens(0);
  #ordered = 0;
  #requests = 0;

  constructor(simulation: Simulation, scaling: RequestScaling, newPod: () => Pod) {
    this.#simulation = simulation;
    this.#scaling = scaling;
    this.#newPod = newPod;
    simulation.start(this.#scale());
  }

  get pods(): readonly Pod[] {
    return this.#ready;
  }

  /** Serves a request: waits for a pod with a free place, starts one if none runs, and does `work` there. */
  *serve(work: (pod: Pod) => Process): Process {
    this.#requests++;
    if (this.#ordered === 0) this.#order();
    yield* this.#places.take();
    const pod = this.#ready.reduce((least, each) => (each.requests < least.requests ? each : least));
    pod.requests++;
    yield* work(pod);
    pod.requests--;
    this.#requests--;
    this.#places.give();
  }

  *#scale(): Process {
    for (;;) {
      yield this.#simulation.pause(DECIDE_EVERY_MS);
      const wanted = Math.min(Math.ceil(this.#requests / this.#scaling.target), this.#scaling.max);
      while (this.#ordered < wanted) this.#order();
    }
  }

  #order(): void {
    this.#ordered++;
    this.#simulation.start(this.#start());
  }

  *#start(): Process {
    yield this.#simulation.pause(this.#scaling.startMs);
    this.#ready.push(this.#newPod());
    for (let place = 0; place < this.#scaling.places; place++) this.#places.give();
  }
}
