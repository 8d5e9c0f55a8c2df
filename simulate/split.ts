// What a pod of split does with an image.
import { rowMs, tileMs, type Image } from './image.ts';
import type { Pod } from './pods.ts';
import type { Redis } from './redis.ts';
import type { Settings } from './settings.ts';
import type { Process, Simulation } from './simulation.ts';
import { Tokens } from './station.ts';

/** Tiles that it sends to Redis at once. */
const TILES_IN_FLIGHT = 32;
/** Large images that a pod decodes at once; small ones have their own places. */
const MAX_SPLITS = 2;
const SMALL_MEGAPIXELS = 1;

export class Split {
  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #redis: Redis;
  readonly #enqueued: (image: Image) => void;
  readonly #places = new Map<Pod, Tokens>();

  /** `enqueued` is called for each tile that is ready. */
  constructor(simulation: Simulation, settings: Settings, redis: Redis, enqueued: (image: Image) => void) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#redis = redis;
    this.#enqueued = enqueued;
  }

  /** Receives the image and computes its id. Then zlib inflates rows ahead of the thread that cuts them, and Redis receives tiles meanwhile. */
  *cut(pod: Pod, image: Image): Process {
    const { receive, functions } = this.#settings.costs;
    const { thread, helpers, redis } = functions.split;
    const places = this.#placesFor(pod, image);
    yield* places.take();
    yield* this.#redis.ask(redis.msPerImage);
    yield* pod.thread.work(thread.msPerImage + receive.msPerMegapixel * image.megapixels);
    const inflated = new Tokens(0);
    this.#simulation.start(pod.helpers.repeat(image.rows, rowMs(image, helpers), inflated));
    const inFlight = new Tokens(TILES_IN_FLIGHT);
    for (let row = 0; row < image.rows; row++) {
      yield* inflated.take();
      yield* pod.thread.work(rowMs(image, thread) - rowMs(image, receive));
      for (let column = 0; column < image.columns; column++) {
        yield* inFlight.take();
        this.#simulation.start(this.#enqueue(image, tileMs(image, redis), inFlight));
      }
    }
    yield* inFlight.take(TILES_IN_FLIGHT);
    places.give();
  }

  *#enqueue(image: Image, redisMs: number, inFlight: Tokens): Process {
    yield* this.#redis.ask(redisMs);
    this.#enqueued(image);
    inFlight.give();
  }

  #placesFor(pod: Pod, image: Image): Tokens {
    if (image.megapixels <= SMALL_MEGAPIXELS) return new Tokens(1);
    const places = this.#places.get(pod) ?? new Tokens(MAX_SPLITS);
    this.#places.set(pod, places);
    return places;
  }
}
