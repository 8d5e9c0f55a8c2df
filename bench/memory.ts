// Measures the most memory each process holds while a very large PNG is processed, and what Redis holds of
// it.
import { buildIfStale } from '../scripts/build.ts';
import { BenchPipeline } from './lib/bench-pipeline.ts';
import { table } from './lib/measure.ts';
import { photoPng } from '../functions/testing/photo.ts';
import { peakMb } from './lib/processes.ts';

export interface MemoryResults {
  megapixels: number;
  fileMb: number;
  splitMb: number;
  assembleMb: number;
  /** The larger of two workers. */
  blurMb: number;
  /** Redis at its peak, above what it held before. */
  redisMb: number;
  /** What split reserved for the image. */
  admittedMb: number;
}

const LOOK_EVERY_MS = 20;

export async function benchMemory({ megapixels = 100 } = {}): Promise<MemoryResults> {
  await buildIfStale();
  const png = await photoPng(megapixels);
  const bench = await BenchPipeline.start(2);
  const { pipeline } = bench;
  try {
    await pipeline.redis.config('RESETSTAT');
    const usedBefore = await redisBytes(bench, 'used_memory');
    let admitted = 0;
    const looking = setInterval(() => {
      void pipeline.redis.hvals(`${pipeline.keyPrefix}:admitted`).then((held) => {
        admitted = Math.max(admitted, ...held.map(Number));
      });
    }, LOOK_EVERY_MS);
    await bench.blur(png);
    clearInterval(looking);
    const results = {
      megapixels,
      fileMb: png.length / 1e6,
      splitMb: peakMb(pipeline.split.pid),
      assembleMb: peakMb(pipeline.assemble.pid),
      blurMb: Math.max(...pipeline.scaler.workers.map(({ pid }) => peakMb(pid))),
      redisMb: ((await redisBytes(bench, 'used_memory_peak')) - usedBefore) / 1e6,
      admittedMb: admitted / 1e6,
    };
    print(results);
    return results;
  } finally {
    await bench.stop();
  }
}

async function redisBytes({ pipeline }: BenchPipeline, field: string): Promise<number> {
  const info = await pipeline.redis.info('memory');
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1]);
}

function print(results: MemoryResults): void {
  const { megapixels, fileMb, splitMb, assembleMb, blurMb, redisMb, admittedMb } = results;
  console.log(`\nPeak memory, ${megapixels} Mpx PNG of ${fileMb.toFixed(0)} MB, 2 workers`);
  console.log(
    table([
      ['process', 'peak'],
      ['split', mb(splitMb)],
      ['assemble', mb(assembleMb)],
      ['blur', mb(blurMb)],
      ['Redis', `${mb(redisMb)} of ${mb(admittedMb)} set aside`],
    ]),
  );
}

function mb(value: number): string {
  return `${value.toFixed(0)} MB`;
}

if (import.meta.main) {
  const [megapixels = 100] = process.argv.slice(2).map(Number);
  await benchMemory({ megapixels });
}
