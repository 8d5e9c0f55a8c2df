// What processes share and wait for: tokens, processors, and signals.
import type { Process, Simulation, Wait } from './simulation.ts';

/** The longest that a thread keeps a core while others wait for one, ms. */
const SLICE_MS = 1;

/** A number of tokens. A process that finds none waits in line. */
export class Tokens {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  *take(count = 1): Process {
    for (let taken = 0; taken < count; taken++) {
      if (this.#free > 0) this.#free--;
      else yield (goOn) => this.#line.push(goOn);
    }
  }

  give(): void {
    const goOn = this.#line.shift();
    if (goOn) goOn();
    else this.#free++;
  }
}

/** The cores of one machine, which its threads share in turns. When all are busy, each one is slower, by `slowdown`. */
export class Cores {
  readonly #simulation: Simulation;
  readonly #tokens: Tokens;
  readonly #count: number;
  readonly #slowdown: number;
  #inUse = 0;
  #usedMs = 0;

  constructor(simulation: Simulation, count: number, slowdown = 1) {
    this.#simulation = simulation;
    this.#tokens = new Tokens(count);
    this.#count = count;
    this.#slowdown = slowdown;
  }

  /** CPU time of all threads so far. */
  get usedMs(): number {
    return this.#usedMs;
  }

  *use(ms: number): Process {
    for (let left = ms; left > 0; left -= SLICE_MS) {
      yield* this.#tokens.take();
      this.#inUse++;
      const sliceMs = Math.min(left, SLICE_MS) * (this.#inUse === this.#count ? this.#slowdown : 1);
      yield this.#simulation.pause(sliceMs);
      this.#usedMs += sliceMs;
      this.#inUse--;
      this.#tokens.give();
    }
  }
}

/** One or several threads that do one task after another; on shared cores if `cores` is given. */
export class Station {
  readonly #simulation: Simulation;
  readonly #threads: Tokens;
  readonly #cores: Cores | null;
  #busyMs = 0;

  constructor(simulation: Simulation, cores: Cores | null = null, threads = 1) {
    this.#simulation = simulation;
    this.#cores = cores;
    this.#threads = new Tokens(threads);
  }

  /** CPU time of all tasks so far, on cores that are not slowed down. */
  get busyMs(): number {
    return this.#busyMs;
  }

  *work(ms: number): Process {
    yield* this.#threads.take();
    if (this.#cores) yield* this.#cores.use(ms);
    else yield this.#simulation.pause(ms);
    this.#busyMs += ms;
    this.#threads.give();
  }

  /** Does the same task this many times, and releases a token for each. */
  *repeat(times: number, ms: number, finished: Tokens): Process {
    for (let nth = 0; nth < times; nth++) {
      yield* this.work(ms);
      finished.give();
    }
  }
}

/** Wakes all processes that wait for it. */
export class Signal {
  readonly #simulation: Simulation;
  #waiting: (() => void)[] = [];

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** A wait that also ends after `ms`, if given. */
  wait(ms = Infinity): Wait {
    return (goOn) => {
      let isOver = false;
      const once = () => {
        if (isOver) return;
        isOver = true;
        goOn();
      };
      this.#waiting.push(once);
      if (ms < Infinity) this.#simulation.pause(ms)(once);
    };
  }

  send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }
}
