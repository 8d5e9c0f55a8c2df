// The settings of a run of the model: costs, pods, scaling rules and the arriving images.
import type { CostsResults, SetUpCosts } from '../bench/costs.ts';
import type { ScalingRules } from '../local/scaling.ts';

/** More requests than the model ever sends to one pod. */
export const NO_LIMIT = 200;

/** A function that Knative scales by its requests. */
export interface RequestScaling {
  max: number;
  /** Requests of a pod that make Knative add another one. */
  target: number;
  /** Requests a pod serves at once; {@link NO_LIMIT} if its Service limits nothing. */
  places: number;
  /** Time from the decision to start a pod until it serves. */
  startMs: number;
}

/** blur, which KEDA scales by its queues. */
export interface QueueScaling extends ScalingRules {
  startMs: number;
  /** How often KEDA checks the queues while no pod runs. */
  pollMs: number;
  /** How often the autoscaler checks while some run. */
  syncMs: number;
  /**
   * How many pods it adds at each check: this number, or as many as there are, whichever is more. Infinity:
   * all that are wanted.
   */
  growth: number;
}

export interface Settings {
  seed: number;
  costs: SetUpCosts;
  /**
   * Cores that all processes share, and how much slower each core is when all are busy; null if every pod has
   * its own.
   */
  machine: { cores: number; slowdown: number } | null;
  /** zlib threads of a pod, besides its own thread. */
  helperThreads: number;
  /** From a command to Redis to its reply, without Redis's own time. */
  roundTripMs: number;
  budgetBytes: number;
  split: RequestScaling;
  blur: QueueScaling;
  assemble: RequestScaling;
  /** Events that a worker sends at once. */
  eventsAtOnce: number;
  /** The order in which tiles are claimed. */
  order: 'in-order' | 'in-turns';
  /** The sizes of the arriving images, with their frequencies. */
  sizes: { megapixels: number; weight: number }[];
}

const START_MS = { split: 1500, blur: 440, assemble: 1600 };

/** A cluster as the manifests describe it, with `maxWorkers` pods of blur. Start times were measured on a real one. */
export function cluster(costs: SetUpCosts, maxWorkers: number): Settings {
  return {
    seed: 1,
    costs,
    machine: null,
    helperThreads: 1, // A pod may use two cores.
    roundTripMs: 0.3,
    budgetBytes: 1024 ** 3,
    split: { max: 4, target: 4 * 0.7, places: NO_LIMIT, startMs: START_MS.split },
    blur: {
      max: maxWorkers,
      target: 8,
      cooldownMs: 60_000,
      startMs: START_MS.blur,
      pollMs: 1000,
      syncMs: 15_000,
      growth: 4,
    },
    assemble: { max: 4, target: 4, places: 4, startMs: START_MS.assemble },
    eventsAtOnce: 4,
    order: 'in-order',
    sizes: [
      { megapixels: 0.5, weight: 5 },
      { megapixels: 4, weight: 3 },
      { megapixels: 12, weight: 2 },
    ],
  };
}

/** The pipeline of `npm start`, with everything already running. */
export function oneMachine(
  costs: CostsResults,
  cores: number,
  workers: number,
  megapixels: number,
): Settings {
  return {
    ...cluster(costs.local, workers),
    machine: { cores, slowdown: costs.together },
    helperThreads: 4,
    roundTripMs: 0.1,
    budgetBytes: Infinity,
    split: { max: 1, target: Infinity, places: NO_LIMIT, startMs: 0 },
    assemble: { max: 1, target: Infinity, places: NO_LIMIT, startMs: 0 },
    blur: {
      max: workers,
      target: 4,
      cooldownMs: 60_000,
      startMs: 0,
      pollMs: 50,
      syncMs: 50,
      growth: Infinity,
    },
    sizes: [{ megapixels, weight: 1 }],
  };
}
