// The questions that docs/SCALING.md answers: how far a deployment grows with its pods, and how long a small
// picture waits behind a large one.
import type { CostsResults } from '../bench/costs.ts';
import { Pipeline } from './pipeline.ts';
import { cluster, type Settings } from './settings.ts';
import { Simulation, type Process } from './simulation.ts';
import { percentile, trial, type Outcome } from './trial.ts';

/** The autoscaler doubles its pods every 15 s; it takes this long to start a thousand. */
const TIMES = { warmUpMs: 150_000, measuredMs: 60_000 };
/** Enough that the memory budget is always full. */
const CLIENTS = 100;
/** The share of a deployment's capacity that arrives while latency is measured. */
const SHARE = 0.7;

export interface Capacity {
  name: SetUp;
  pods: number;
  /** Independent deployments, each with a Redis of its own. */
  deployments: number;
  /** One of them with as much work as it can do. */
  full: Outcome;
  /** One of them at 70 % of that. */
  usual: Outcome;
}

/** The compared deployments, each by the settings of one deployment with `pods` pods of blur. */
export const setUps = {
  'as deployed': ({ deployed }: CostsResults, pods: number) => cluster(deployed, pods),
  'only tiles in Redis': ({ local }: CostsResults, pods: number) => cluster(local, pods),
} satisfies Record<string, (costs: CostsResults, pods: number) => Settings>;

export type SetUp = keyof typeof setUps;

/** Returns the throughput of `pods` pods of blur in total, in so many deployments. */
export function capacity(
  name: SetUp,
  costs: CostsResults,
  { pods, deployments = 1, change = {} }: { pods: number; deployments?: number; change?: Partial<Settings> },
): Capacity {
  const settings = { ...setUps[name](costs, Math.ceil(pods / deployments)), ...change };
  const full = trial(settings, { clients: CLIENTS }, TIMES);
  const usual = trial(settings, { imagesPerSecond: SHARE * full.imagesPerSecond }, TIMES);
  return { name, pods, deployments, full, usual };
}

const LARGE_MEGAPIXELS = 100;
const SMALL_MEGAPIXELS = 0.5;
const EVERY_MS = 100;
const SETTLED_MS = 5000;
const LIMIT_MS = 120_000;

/** What matters to small pictures: the pipeline as it is, and with one thing changed. */
export const variants = {
  'as it is': () => ({}),
  'images take turns': () => ({ order: 'in-turns' }),
  'one event at a time': ({ assemble }) => ({
    eventsAtOnce: 1,
    assemble: { ...assemble, places: 1, target: 1 },
  }),
} satisfies Record<string, (settings: Settings) => Partial<Settings>>;

export type Variant = keyof typeof variants;

/** Milliseconds. */
export interface Behind {
  workers: number;
  variant: Variant;
  /** The time of a small picture if nothing else is there. */
  alone: number;
  /**
   * Small pictures that arrive while the large one is in progress: until their tiles are blurred, and until
   * they are done.
   */
  blurred: { median: number; worst: number };
  done: { median: number; worst: number };
  large: number;
}

/**
 * Returns the times of small pictures that arrive every 100 ms while one of 100 Mpx is blurred by `workers`
 * warm pods.
 */
export function behindLarge(costs: CostsResults, workers: number, variant: Variant): Behind {
  const settings = cluster(costs.deployed, workers);
  const simulation = new Simulation();
  const pipeline = new Pipeline(simulation, {
    ...settings,
    ...variants[variant](settings),
    budgetBytes: Infinity,
    blur: { ...settings.blur, target: 0.001, syncMs: 1000, growth: workers },
  });
  function* arrivals(): Process {
    yield* pipeline.blur(pipeline.sizeOf(SMALL_MEGAPIXELS)); // Starts all pods.
    yield simulation.pause(SETTLED_MS);
    yield* pipeline.blur(pipeline.sizeOf(SMALL_MEGAPIXELS));
    simulation.start(pipeline.blur(pipeline.sizeOf(LARGE_MEGAPIXELS)));
    while (!pipeline.done.some(({ megapixels }) => megapixels === LARGE_MEGAPIXELS)) {
      yield simulation.pause(EVERY_MS);
      simulation.start(pipeline.blur(pipeline.sizeOf(SMALL_MEGAPIXELS)));
    }
  }
  simulation.start(arrivals());
  simulation.run(LIMIT_MS);
  const times = (megapixels: number, end: 'blurredAt' | 'doneAt') =>
    pipeline.done.filter((each) => each.megapixels === megapixels).map((each) => each[end] - each.arrivedAt);
  const summary = (end: 'blurredAt' | 'doneAt') => {
    const sorted = times(SMALL_MEGAPIXELS, end)
      .slice(2)
      .sort((a, b) => a - b);
    return { median: percentile(sorted, 0.5), worst: percentile(sorted, 1) };
  };
  return {
    workers,
    variant,
    alone: times(SMALL_MEGAPIXELS, 'doneAt')[1],
    blurred: summary('blurredAt'),
    done: summary('doneAt'),
    large: times(LARGE_MEGAPIXELS, 'doneAt')[0],
  };
}
