// Runs the model for a while and reports the result after it has warmed up.
import { randomFrom } from '../functions/testing/random.ts';
import { Pipeline } from './pipeline.ts';
import type { RequestPods } from './pods.ts';
import type { Settings } from './settings.ts';
import { Simulation, type Process } from './simulation.ts';

export interface Times {
  /** How long it runs before anything is counted. */
  warmUpMs: number;
  measuredMs: number;
}

/** Either so many images per second arrive, or so many clients each send one image after another. */
export type Load = { imagesPerSecond: number } | { clients: number };

export interface Outcome {
  imagesPerSecond: number;
  megapixelsPerSecond: number;
  tilesPerSecond: number;
  /** From an image's arrival to its result, including refusals. */
  p50Ms: number;
  p99Ms: number;
  /** How busy the busiest thread of each part is, from 0 to 1. */
  busy: { redis: number; split: number; blur: number; assemble: number };
  /** Average number of pods during the measurement. */
  pods: { split: number; blur: number; assemble: number };
  /** The bottleneck, or null: only more of it would increase the throughput. */
  limit: 'Redis CPU' | 'Redis memory' | 'split' | 'blur' | 'assemble' | null;
  /** CPU time of all processes per image, if they share a machine. */
  cpuMsPerImage: number;
}

/** A part that is busier than this is a bottleneck. */
const USED_UP = 0.9;

/** Runs the model with the images of `load`. */
export function trial(settings: Settings, load: Load, { warmUpMs, measuredMs }: Times): Outcome {
  const simulation = new Simulation();
  const pipeline = new Pipeline(simulation, settings);
  startLoad(pipeline, settings, load);
  simulation.run(warmUpMs);
  const before = snapshot(pipeline);
  simulation.run(warmUpMs + measuredMs);
  const after = snapshot(pipeline);

  const done = pipeline.done.filter(({ doneAt }) => doneAt > warmUpMs);
  const seconds = measuredMs / 1000;
  const sum = (of: 'megapixels' | 'tiles') => done.reduce((total, each) => total + each[of], 0);
  const times = done.map(({ arrivedAt, doneAt }) => doneAt - arrivedAt).sort((a, b) => a - b);
  const pods = {
    split: pipeline.splitPods.pods.length,
    blur: (after.blurPodMs - before.blurPodMs) / measuredMs,
    assemble: pipeline.assemblePods.pods.length,
  };
  const busyOf = (name: 'redis' | 'split' | 'blur' | 'assemble', threads: number) =>
    (after[name] - before[name]) / measuredMs / Math.max(threads, 1);
  const busy = {
    redis: busyOf('redis', 1),
    split: busyOf('split', pods.split),
    blur: busyOf('blur', pods.blur),
    assemble: busyOf('assemble', pods.assemble),
  };
  return {
    imagesPerSecond: done.length / seconds,
    megapixelsPerSecond: sum('megapixels') / seconds,
    tilesPerSecond: sum('tiles') / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    busy,
    pods,
    limit: limitOf(busy, after.refused > before.refused),
    cpuMsPerImage: (after.cpu - before.cpu) / done.length,
  };
}

function limitOf(busy: Outcome['busy'], isRefusing: boolean): Outcome['limit'] {
  if (busy.redis > USED_UP) return 'Redis CPU';
  const worst = (['split', 'blur', 'assemble'] as const).find((name) => busy[name] > USED_UP);
  return worst ?? (isRefusing ? 'Redis memory' : null);
}

/** Sends images of random sizes to `pipeline`, until the time `until`. */
export function startLoad(pipeline: Pipeline, settings: Settings, load: Load, until = Infinity): void {
  const { simulation } = pipeline;
  const random = randomFrom(settings.seed);
  const sizes = settings.sizes.map(({ megapixels, weight }) => ({
    size: pipeline.sizeOf(megapixels),
    weight,
  }));
  const draw = () => pick(sizes, random()).size;

  function* arrivals(imagesPerSecond: number): Process {
    for (;;) {
      yield simulation.pause((-1000 * Math.log(1 - random())) / imagesPerSecond);
      if (simulation.now > until) return;
      simulation.start(pipeline.blur(draw()));
    }
  }
  function* client(): Process {
    while (simulation.now < until) yield* pipeline.blur(draw());
  }
  if ('imagesPerSecond' in load) simulation.start(arrivals(load.imagesPerSecond));
  else for (let nth = 0; nth < load.clients; nth++) simulation.start(client());
}

function pick<T extends { weight: number }>(choices: T[], lot: number): T {
  let left = lot * choices.reduce((sum, { weight }) => sum + weight, 0);
  return choices.find(({ weight }) => (left -= weight) < 0) ?? choices[choices.length - 1];
}

function snapshot(pipeline: Pipeline) {
  return {
    redis: pipeline.redis.thread.busyMs,
    split: busyMs(pipeline.splitPods),
    assemble: busyMs(pipeline.assemblePods),
    blur: pipeline.workers.busyMs,
    blurPodMs: pipeline.workers.podMs,
    refused: pipeline.redis.refused,
    cpu: pipeline.cores?.usedMs ?? Number.NaN,
  };
}

function busyMs({ pods }: RequestPods): number {
  return pods.reduce((sum, { thread, helpers }) => sum + Math.max(thread.busyMs, helpers.busyMs), 0);
}

/** Returns the value below which `share` of the sorted `values` are; NaN if there are none. */
export function percentile(values: number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
}
