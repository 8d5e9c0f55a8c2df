import { expect, it } from 'vitest';
import type { CostsResults } from '../bench/costs.ts';
import { Pipeline } from './pipeline.ts';
import { behindLarge } from './scenarios.ts';
import { cluster, oneMachine, type Settings } from './settings.ts';
import { Simulation } from './simulation.ts';
import { startLoad, trial } from './trial.ts';

const cost = (msPerImage: number, msPerMegapixel: number) => ({ msPerImage, msPerMegapixel });
const none = cost(0, 0);

/** Round numbers close to the measured ones. */
const measured: CostsResults['deployed'] = {
  appendOnly: true,
  store: 'redis',
  functions: {
    split: { thread: cost(2, 10), helpers: cost(0, 10), redis: cost(0.5, 2) },
    blur: { thread: cost(2, 12), helpers: none, redis: cost(0.5, 3) },
    assemble: { thread: cost(2, 6), helpers: cost(0, 14), redis: cost(0.5, 1) },
  },
  receive: cost(1, 2),
  idleWorker: { threadMs: 10, redisMs: 1 },
  redis: { usPerTile: 400, usInCommands: 200, tilesPerSecond: 2500 },
};
const costs: CostsResults = { rounds: 1, together: 1.1, local: measured, deployed: measured };
/** Costs that are zero except for the given ones. */
const only = (functions: Partial<CostsResults['local']['functions']>): CostsResults['local'] => {
  const nothing = { thread: none, helpers: none, redis: none };
  return {
    ...measured,
    functions: { split: nothing, blur: nothing, assemble: nothing, ...functions },
    receive: none,
    idleWorker: { threadMs: 0, redisMs: 0 },
  };
};
const times = { warmUpMs: 5000, measuredMs: 20_000 };

it.each([
  ['with room for all', {}],
  ['with room for few', { budgetBytes: 200e6 }],
  ['with less room than one image wants', { budgetBytes: 1 }],
  ['with turns', { order: 'in-turns' }],
] satisfies [string, Partial<Settings>][])('ends every image once, %s', (_what, change) => {
  const simulation = new Simulation();
  const settings = { ...cluster(costs.deployed, 4), ...change };
  const pipeline = new Pipeline(simulation, settings);
  startLoad(pipeline, settings, { imagesPerSecond: 5 }, 20_000);
  simulation.run(200_000);
  expect(pipeline.arrived).toBeGreaterThan(50);
  expect(pipeline.done).toHaveLength(pipeline.arrived);
  expect(pipeline.redis.heldBytes).toBe(0);
  expect(pipeline.pending).toBe(0);
});

it('never lets images hold more than the budget, and lets refused images try again', () => {
  const simulation = new Simulation();
  const settings = { ...cluster(costs.deployed, 4), budgetBytes: 300e6 };
  const pipeline = new Pipeline(simulation, settings);
  startLoad(pipeline, settings, { clients: 20 });
  let most = 0;
  for (let until = 100; until <= 30_000; until += 100) {
    simulation.run(until);
    most = Math.max(most, pipeline.redis.heldBytes);
  }
  expect(most).toBeGreaterThan(150e6);
  expect(most).toBeLessThanOrEqual(300e6);
  expect(pipeline.redis.refused).toBeGreaterThan(0);
});

it('gives the same numbers for the same seed, and others for another', () => {
  const run = (seed: number) =>
    trial({ ...cluster(costs.deployed, 10), seed }, { imagesPerSecond: 8 }, times);
  expect(run(3)).toEqual(run(3));
  expect(run(4)).not.toEqual(run(3));
});

it('scales back to zero workers when no work is left', () => {
  const simulation = new Simulation();
  const pipeline = new Pipeline(simulation, cluster(costs.deployed, 4));
  simulation.start(pipeline.blur(pipeline.sizeOf(4)));
  simulation.run(10_000);
  expect(pipeline.workers.replicas).toBeGreaterThan(0);
  simulation.run(75_000);
  expect(pipeline.workers.replicas).toBe(0);
});

it('takes as long from zero as its parts one after another', () => {
  const simulation = new Simulation();
  const settings = { ...cluster(only({}), 4), roundTripMs: 0 };
  const pipeline = new Pipeline(simulation, settings);
  simulation.start(pipeline.blur(pipeline.sizeOf(0.06))); // One tile.
  simulation.run(20_000);
  const { split, blur, assemble } = settings;
  const [{ doneAt }] = pipeline.done;
  // KEDA looks at whole seconds, and the tile comes when split has started.
  const seenAt = Math.ceil(split.startMs / blur.pollMs) * blur.pollMs;
  expect(doneAt).toBeCloseTo(seenAt + blur.startMs + assemble.startMs);
});

it.each([
  ['Redis CPU', only({ blur: { thread: none, helpers: none, redis: cost(0, 50) } }), 20],
  ['split', only({ split: { thread: cost(0, 100), helpers: none, redis: none } }), 40],
  ['blur', only({ blur: { thread: cost(0, 400), helpers: none, redis: none } }), 10],
  ['assemble', only({ assemble: { thread: cost(0, 100), helpers: none, redis: none } }), 40],
] as const)('finds the limit where it is: %s', (limit, functions, megapixelsPerSecond) => {
  const settings = { ...cluster(functions, 4), budgetBytes: Infinity };
  const outcome = trial(settings, { clients: 40 }, { warmUpMs: 60_000, measuredMs: 60_000 });
  expect(outcome.limit).toBe(limit);
  expect(outcome.megapixelsPerSecond / megapixelsPerSecond).toBeCloseTo(1, 1);
});

it('finds that the memory of Redis is the limit', () => {
  const settings = { ...cluster(measured, 4), budgetBytes: 20e6 };
  expect(trial(settings, { clients: 40 }, times).limit).toBe('Redis memory');
});

it('is limited by the cores of the machine that all share', () => {
  const settings = oneMachine({ ...costs, together: 1 }, 2, 4, 12);
  const { cpuMsPerImage, imagesPerSecond } = trial(settings, { clients: 4 }, times);
  expect((cpuMsPerImage * imagesPerSecond) / 1000).toBeCloseTo(2, 1);
});

it('lets a small picture pass a large one when they take turns, or when several events are sent at once', () => {
  const [asItIs, turns] = [behindLarge(costs, 1, 'as it is'), behindLarge(costs, 1, 'images take turns')];
  expect(turns.blurred.median).toBeLessThan(asItIs.blurred.median / 2);
  expect(turns.alone).toBe(asItIs.alone);
  const oneByOne = behindLarge(costs, 4, 'one event at a time');
  expect(behindLarge(costs, 4, 'as it is').done.worst).toBeLessThan(oneByOne.done.worst / 2);
});
