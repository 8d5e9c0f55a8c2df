// Measures what an image costs each function and Redis in CPU time. simulate/ computes with these costs. It
// also shows how many tiles per second one Redis can handle. The smallest value of several rounds counts,
// because other load on the machine only adds to it.
import { buildIfStale } from '../scripts/build.ts';
import { photoPng } from '../functions/testing/photo.ts';
import type { FunctionName } from '../local/function-process.ts';
import { BenchPipeline } from './lib/bench-pipeline.ts';
import { table } from './lib/measure.ts';
import { Stages, type IdleCost, type StageCosts, type StagesOptions } from './lib/stages.ts';

/** CPU time of one image: a fixed part, and a part for each megapixel. */
export interface Cost {
  msPerImage: number;
  msPerMegapixel: number;
}

export interface SetUpCosts extends StagesOptions {
  /** `thread`: its own code. `helpers`: other threads of its process. `redis`: Redis while the function works. */
  functions: Record<FunctionName, { thread: Cost; helpers: Cost; redis: Cost }>;
  /** CPU time of split's thread before it starts to cut an image, a part of the above. */
  receive: Cost;
  /** CPU time of one idle worker, its own and that of Redis, in ms per second. */
  idleWorker: IdleCost;
  redis: {
    /** CPU time of Redis for one tile of a large image, from split to the finished result. */
    usPerTile: number;
    /** The part of it inside scripts and other commands. The rest is reading, writing and parsing. */
    usInCommands: number;
    tilesPerSecond: number;
  };
}

export interface CostsResults {
  rounds: number;
  /** CPU time of an image while all functions work at once on this machine, relative to one after another. */
  together: number;
  local: SetUpCosts;
  deployed: SetUpCosts;
}

const LARGE = { megapixels: 24, tiles: 384, times: 1 };
const SMALL = { megapixels: 0.5, times: 20 };
const NAMES: FunctionName[] = ['split', 'blur', 'assemble'];
/** Commands that run inside other commands are counted with those. */
const OUTER_COMMANDS = ['exec', 'evalsha', 'get', 'strlen', 'hset', 'hgetall', 'expire'];

export async function benchCosts({ rounds = 5 } = {}): Promise<CostsResults> {
  await buildIfStale();
  const local = await measure({ appendOnly: false, store: 'file' }, rounds);
  const deployed = await measure({ appendOnly: true, store: 'redis' }, rounds);
  const results = {
    rounds,
    together: Math.max(1, (await togetherMs(rounds)) / totalMs(local)),
    local,
    deployed,
  };
  print(results);
  return results;
}

async function measure(options: StagesOptions, rounds: number): Promise<SetUpCosts> {
  const [large, small] = [await photoPng(LARGE.megapixels), await photoPng(SMALL.megapixels)];
  const stages = await Stages.start(options);
  try {
    const larges: StageCosts[] = [];
    const smalls: StageCosts[] = [];
    for (let round = 0; round <= rounds; round++) {
      const [ofLarge, ofSmall] = [await stages.run(large, LARGE.times), await stages.run(small, SMALL.times)];
      if (round === 0) continue; // To warm up.
      larges.push(ofLarge);
      smalls.push(ofSmall);
    }
    const costOf = (name: keyof StageCosts, part: Part) =>
      fit(least(larges, name, part) / LARGE.times, least(smalls, name, part) / SMALL.times);
    const costsOf = (name: FunctionName) => ({
      thread: costOf(name, 'threadMs'),
      helpers: costOf(name, 'helpersMs'),
      redis: costOf(name, 'redisMs'),
    });
    return {
      ...options,
      functions: { split: costsOf('split'), blur: costsOf('blur'), assemble: costsOf('assemble') },
      receive: costOf('receive', 'threadMs'),
      idleWorker: await stages.idleWorker(),
      redis: redisShare(larges),
    };
  } finally {
    await stages.stop();
  }
}

function redisShare(larges: StageCosts[]): SetUpCosts['redis'] {
  const ms = NAMES.reduce((sum, name) => sum + least(larges, name, 'redisMs'), 0);
  const usPerTile = (1000 * ms) / LARGE.tiles;
  const inCommandsMs = larges.map((costs) =>
    NAMES.flatMap((name) => OUTER_COMMANDS.map((command) => costs[name].commandMs[command] ?? 0)).reduce(
      (sum, each) => sum + each,
    ),
  );
  return {
    usPerTile,
    usInCommands: (1000 * Math.min(...inCommandsMs)) / LARGE.tiles,
    tilesPerSecond: 1e6 / usPerTile,
  };
}

type Part = 'threadMs' | 'helpersMs' | 'redisMs';

function least(costs: StageCosts[], name: keyof StageCosts, part: Part): number {
  return Math.min(...costs.map((each) => each[name][part]));
}

/** Returns the CPU time of one large image in all processes while they work at once. */
async function togetherMs(rounds: number): Promise<number> {
  const png = await photoPng(LARGE.megapixels);
  const bench = await BenchPipeline.start(1);
  try {
    const spent: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const before = bench.cpuMs();
      await bench.blur(png);
      if (round > 0) spent.push(bench.cpuMs() - before);
    }
    return Math.min(...spent);
  } finally {
    await bench.stop();
  }
}

/** Returns the same, computed from the costs of its parts. */
function totalMs({ functions }: SetUpCosts): number {
  const costs = NAMES.flatMap((name) => Object.values(functions[name]));
  return costs.reduce((sum, each) => sum + each.msPerImage + each.msPerMegapixel * LARGE.megapixels, 0);
}

/** Returns the straight line through the costs of a large and a small image. */
function fit(largeMs: number, smallMs: number): Cost {
  const msPerMegapixel = (largeMs - smallMs) / (LARGE.megapixels - SMALL.megapixels);
  return { msPerImage: Math.max(0, smallMs - msPerMegapixel * SMALL.megapixels), msPerMegapixel };
}

function print({ rounds, together, local, deployed }: CostsResults): void {
  for (const [name, costs] of Object.entries({ local, deployed })) {
    const { store, appendOnly, functions, redis, idleWorker } = costs;
    const file = appendOnly ? 'an' : 'no';
    console.log(
      `\nCPU time, ${name}: STORE=${store}, ${file} append-only file, the least of ${rounds} rounds`,
    );
    const header = ['', 'ms/image', 'ms/Mpx', 'helpers ms/Mpx', 'Redis ms/image', 'Redis ms/Mpx'];
    console.log(table([header, ...NAMES.map((each) => figures(each, functions[each]))]));
    console.log(
      `Redis: ${redis.usPerTile.toFixed(0)} µs a tile, ${redis.usInCommands.toFixed(0)} of them in commands; ` +
        `at most ${redis.tilesPerSecond.toFixed(0)} tiles/s; ${idleWorker.redisMs.toFixed(2)} ms/s for an idle worker`,
    );
  }
  console.log(`\nAn image takes ${together.toFixed(2)} times the CPU time when all functions work at once`);
}

function figures(name: FunctionName, { thread, helpers, redis }: SetUpCosts['functions'][FunctionName]) {
  const ms = [
    thread.msPerImage,
    thread.msPerMegapixel,
    helpers.msPerMegapixel,
    redis.msPerImage,
    redis.msPerMegapixel,
  ];
  return [name, ...ms.map((each) => each.toFixed(2))];
}

if (import.meta.main) {
  const [rounds = 5] = process.argv.slice(2).map(Number);
  await benchCosts({ rounds });
}
