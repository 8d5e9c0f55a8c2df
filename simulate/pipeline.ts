// A model of the pipeline: split cuts images into tiles, workers blur them, assemble joins them, and all
// share one Redis. The duration of each step was measured (bench/costs.ts); the model computes the waiting
// times.
import { assemble } from './assemble.ts';
import { autoscale, type Scaled } from './autoscaler.ts';
import { sizeOf, tileMs, type Image, type ImageSize } from './image.ts';
import { RequestPods } from './pods.ts';
import { Redis } from './redis.ts';
import type { Settings } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';
import { Split } from './split.ts';
import { Cores, Signal, Station, Tokens } from './station.ts';
import { InOrder, InTurns, type TileList } from './tile-list.ts';
import { Workers, type Worker } from './workers.ts';

/** A worker's pause when no tile is ready, and how long it then waits for one: see functions/blur/consumer.ts. */
const PAUSE_MS = 5;
const WAIT_MS = 100;

export interface Done {
  megapixels: number;
  tiles: number;
  arrivedAt: number;
  blurredAt: number;
  doneAt: number;
}

export class Pipeline implements Scaled {
  readonly simulation: Simulation;
  /** The machine, if all processes share one. */
  readonly cores: Cores | null;
  readonly redis: Redis;
  readonly splitPods: RequestPods;
  readonly assemblePods: RequestPods;
  readonly workers: Workers;
  readonly done: Done[] = [];
  arrived = 0;

  readonly #settings: Settings;
  readonly #split: Split;
  readonly #tiles: TileList<Image>;
  readonly #tileCame: Signal;
  readonly #outbox: Image[] = [];
  /** Claimed tiles, and images whose event assemble has not answered. */
  #leased = 0;
  #blurred = 0;

  constructor(simulation: Simulation, settings: Settings) {
    const { machine } = settings;
    const cores = machine && new Cores(simulation, machine.cores, machine.slowdown);
    const newPod = () => ({
      thread: new Station(simulation, cores),
      helpers: new Station(simulation, cores, settings.helperThreads),
      requests: 0,
    });
    this.simulation = simulation;
    this.cores = cores;
    this.redis = new Redis(simulation, settings, cores);
    this.splitPods = new RequestPods(simulation, settings.split, newPod);
    this.assemblePods = new RequestPods(simulation, settings.assemble, newPod);
    this.workers = new Workers(simulation, settings.blur.startMs, {
      newThread: () => new Station(simulation, cores),
      processReady: (worker) => this.#processReady(worker),
      tileComes: () => (this.#tiles.length > 0 ? simulation.pause(0) : this.#tileCame.wait(WAIT_MS)),
      announce: (worker) => this.#announce(worker),
    });
    this.#settings = settings;
    this.#split = new Split(simulation, settings, this.redis, (image) => {
      this.#tiles.add(image);
      this.#tileCame.send();
    });
    this.#tiles = settings.order === 'in-turns' ? new InTurns() : new InOrder();
    this.#tileCame = new Signal(simulation);
    simulation.start(autoscale(simulation, this, settings.blur));
  }

  /** What KEDA's formula adds up. */
  get pending(): number {
    return this.#tiles.length + this.#leased + this.#blurred;
  }

  get replicas(): number {
    return this.workers.replicas;
  }

  scale(replicas: number): void {
    this.workers.scale(replicas);
  }

  /** Returns the size of a picture that arrives at this pipeline. */
  sizeOf(megapixels: number): ImageSize {
    return sizeOf(megapixels, this.#settings.costs.store);
  }

  /** One image, from its arrival until its result is written. */
  *blur(size: ImageSize): Process {
    const image: Image = {
      ...size,
      arrivedAt: this.simulation.now,
      left: size.tiles,
      blurredAt: Number.NaN,
      finished: new Tokens(0),
    };
    this.arrived++;
    yield* this.redis.admit(image.bytes);
    yield* this.splitPods.serve((pod) => this.#split.cut(pod, image));
    yield* image.finished.take();
    this.redis.release(image.bytes);
    const { megapixels, tiles, arrivedAt, blurredAt } = image;
    this.done.push({ megapixels, tiles, arrivedAt, blurredAt, doneAt: this.simulation.now });
  }

  /** One slot of a worker until no tile is ready: each result is acked while the next tile is fetched. */
  *#processReady(worker: Worker): Process {
    const { thread, redis } = this.#settings.costs.functions.blur;
    const handedIn = new Tokens(1);
    while (worker.isRunning) {
      const image = this.#tiles.next();
      if (!image) break;
      this.#leased++;
      yield* this.redis.ask(tileMs(image, redis) / 2);
      yield* worker.thread.work(tileMs(image, thread));
      yield* handedIn.take();
      this.simulation.start(this.#handIn(worker, image, tileMs(image, redis) / 2, handedIn));
    }
    yield* this.#lookInVain(worker);
  }

  /** Asks for a tile when there is none. An idle worker does only this, about ten times per second. */
  *#lookInVain(worker: Worker): Process {
    const { threadMs, redisMs } = this.#settings.costs.idleWorker;
    const looksPerSecond = 1000 / (WAIT_MS + PAUSE_MS);
    yield* this.redis.ask(redisMs / looksPerSecond);
    yield* worker.thread.work(threadMs / looksPerSecond);
    yield this.simulation.pause(PAUSE_MS);
  }

  *#handIn(worker: Worker, image: Image, redisMs: number, handedIn: Tokens): Process {
    yield* this.redis.ask(redisMs);
    this.#leased--;
    handedIn.give();
    worker.handedIn.send();
    if (--image.left > 0) return;
    image.blurredAt = this.simulation.now;
    this.#blurred++;
    this.#outbox.push(image);
    yield* this.#announce(worker);
  }

  /** Sends the waiting events one after another, unless the worker is sending as many as it may send at once. */
  *#announce(worker: Worker): Process {
    const { simulation, redis } = this;
    const { costs, eventsAtOnce } = this.#settings;
    if (worker.sending === eventsAtOnce) return;
    worker.sending++;
    for (let image = this.#outbox.shift(); image; image = this.#outbox.shift()) {
      const announced = image;
      yield* redis.ask(costs.functions.blur.redis.msPerImage);
      yield* worker.thread.work(costs.functions.blur.thread.msPerImage);
      yield* this.assemblePods.serve((pod) => assemble(simulation, this.#settings, redis, pod, announced));
      this.#blurred--;
      image.finished.give();
    }
    worker.sending--;
  }
}
