// How throughput grows with workers, and how time grows with pixels.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildIfStale } from '../scripts/build.ts';
import { FunctionProcess } from '../local/function-process.ts';
import { BenchPipeline } from './lib/bench-pipeline.ts';
import { median, table } from './lib/measure.ts';
import { photoPng } from '../functions/testing/photo.ts';
import { cpuMs } from './lib/processes.ts';

export interface ScaleResults {
  cores: number;
  rounds: number;
  /** Tiles per second while only blur works, by number of workers. */
  workers: { workers: number; tilesPerSecond: number; speedUp: number; coresBusy: number }[];
  /** Request to PNG with two workers, by size. `relative`: time per megapixel, relative to the middle size. */
  sizes: {
    megapixels: number;
    ms: number;
    msPerMegapixel: number;
    relative: number;
    /** CPU time of all processes. */
    cpuMsPerMegapixel: number;
  }[];
}

const TILES_MEGAPIXELS = 100;
/** Looking too often would take time from the measurement. */
const LOOK_EVERY_MS = 10;
const SIZES = [1, 6, 24, 100];

export async function benchScale({ rounds = 7, sizes = SIZES } = {}): Promise<ScaleResults> {
  await buildIfStale();
  const results = {
    cores: availableParallelism(),
    rounds,
    workers: await bySpeedUp(rounds),
    sizes: await bySize(rounds, sizes),
  };
  print(results);
  return results;
}

/** All tiles wait before the first worker starts, so only blur and Redis work during the measurement. */
async function bySpeedUp(rounds: number): Promise<ScaleResults['workers']> {
  const png = await photoPng(TILES_MEGAPIXELS);
  const counts = [1, 2];
  const rates = new Map(counts.map((count) => [count, [] as { rate: number; busy: number }[]]));
  const bench = await BenchPipeline.start(1, { CONSUMER: 'off' });
  try {
    for (let round = 0; round < rounds; round++) {
      for (const count of counts) rates.get(count)?.push(await tileRate(bench, png, count));
    }
  } finally {
    await bench.stop();
  }
  const rateOf = (count: number) => median((rates.get(count) ?? []).map(({ rate }) => rate));
  return counts.map((workers) => ({
    workers,
    tilesPerSecond: rateOf(workers),
    speedUp: rateOf(workers) / rateOf(1),
    coresBusy: median((rates.get(workers) ?? []).map(({ busy }) => busy)),
  }));
}

/** Returns the tiles per second of `count` warm workers, and how many cores they and Redis keep busy. */
async function tileRate(bench: BenchPipeline, png: Uint8Array<ArrayBuffer>, count: number) {
  const { redisServer } = bench.pipeline;
  const sink = await bench.pipeline.assemble.ready();
  await bench.split(png);
  const workers = Array.from(
    { length: count },
    () =>
      new FunctionProcess('blur', { env: { REDIS_URL: redisServer.url, K_SINK: sink, LOG_LEVEL: 'error' } }),
  );
  const total = await bench.queued();
  // The first eighth warms them up.
  const warm = Math.floor((total * 7) / 8);
  while ((await bench.queued()) > warm) await sleep(LOOK_EVERY_MS);
  const pids = [...workers.map(({ pid }) => pid), redisServer.pid ?? NaN];
  const cpuBefore = pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const startedAt = performance.now();
  const from = await bench.queued();
  const until = Math.floor(total / 10);
  while ((await bench.queued()) > until) await sleep(LOOK_EVERY_MS);
  const to = await bench.queued();
  const ms = performance.now() - startedAt;
  const busy = (pids.reduce((sum, pid) => sum + cpuMs(pid), 0) - cpuBefore) / ms;
  while ((await bench.pipeline.pending()) > 0) await sleep(LOOK_EVERY_MS);
  await Promise.all(workers.map((worker) => worker.stop()));
  return { rate: ((from - to) / ms) * 1000, busy };
}

async function bySize(rounds: number, sizes: number[]): Promise<ScaleResults['sizes']> {
  const bench = await BenchPipeline.start(2);
  const measured: { megapixels: number; ms: number; cpuMsPerMegapixel: number }[] = [];
  try {
    const warmUp = await photoPng(24);
    for (let round = 0; round < 3; round++) await bench.blur(warmUp);
    for (const megapixels of sizes) {
      const png = await photoPng(megapixels);
      const times: number[] = [];
      // Large images take long and vary little; small ones need many repetitions to measure their CPU time.
      const repeats = Math.max(3, Math.ceil((rounds * 24) / megapixels));
      const cpuBefore = bench.cpuMs();
      for (let repeat = 0; repeat < repeats; repeat++) times.push(await bench.blur(png));
      const cpuMsPerMegapixel = (bench.cpuMs() - cpuBefore) / repeats / megapixels;
      measured.push({ megapixels, ms: median(times), cpuMsPerMegapixel });
    }
  } finally {
    await bench.stop();
  }
  const middle = median(measured.map(({ megapixels, ms }) => ms / megapixels));
  return measured.map(({ megapixels, ms, cpuMsPerMegapixel }) => ({
    megapixels,
    ms,
    msPerMegapixel: ms / megapixels,
    relative: ms / megapixels / middle,
    cpuMsPerMegapixel,
  }));
}

function print({ cores, workers, sizes }: ScaleResults): void {
  console.log(`\nWorkers, ${cores} cores, tiles of 256 px, k = 15, all tiles waiting`);
  console.log(
    table([
      ['workers', 'tiles/s', 'speed-up', 'cores busy'],
      ...workers.map((row) => [
        String(row.workers),
        row.tilesPerSecond.toFixed(0),
        row.speedUp.toFixed(2),
        row.coresBusy.toFixed(2),
      ]),
    ]),
  );
  console.log('\nSizes, 2 workers, request to PNG');
  console.log(
    table([
      ['Mpx', 'ms', 'ms/Mpx', 'relative', 'CPU ms/Mpx'],
      ...sizes.map((row) => [
        String(row.megapixels),
        row.ms.toFixed(0),
        row.msPerMegapixel.toFixed(1),
        row.relative.toFixed(2),
        row.cpuMsPerMegapixel.toFixed(0),
      ]),
    ]),
  );
}

if (import.meta.main) {
  const [rounds = 7] = process.argv.slice(2).map(Number);
  await benchScale({ rounds });
}
