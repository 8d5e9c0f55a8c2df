// Measures the most memory each process holds while a very large PNG is processed, and what Redis holds of
// it.
import { buildIfStale } from '../scripts/build.ts';
import { startS3Server } from '../local/s3-server.ts';
import { BenchPipeline } from './lib/bench-pipeline.ts';
import { table } from './lib/measure.ts';
import { photoPng } from '../functions/testing/photo.ts';
import { peakMb } from './lib/processes.ts';

export interface MemoryResults {
  megapixels: number;
  fileMb: number;
  splitMb: number;
  assembleMb: number;
  /** The same with STORE=s3. */
  assembleS3Mb: number;
  /** The larger of two workers. */
  blurMb: number;
  /** Redis at its peak, above what it held before. */
  redisMb: number;
  /** What split reserved for the image. */
  admittedMb: number;
}

const LOOK_EVERY_MS = 20;
const BUCKET = 'bench';

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
      assembleS3Mb: await assembleMbWithBucket(png),
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

/** Returns the most memory that assemble holds when the result goes to a bucket. */
async function assembleMbWithBucket(png: Uint8Array): Promise<number> {
  const server = await startS3Server([BUCKET]);
  const bench = await BenchPipeline.start(2, {
    STORE: 's3',
    S3_ENDPOINT: `http://127.0.0.1:${server.port}`,
    INPUT_PATH: `s3://${BUCKET}/in`,
    OUTPUT_PATH: `s3://${BUCKET}/out`,
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
  });
  try {
    await bench.blurInStore(png);
    return peakMb(bench.pipeline.assemble.pid);
  } finally {
    await bench.stop();
    await server.stop();
  }
}

async function redisBytes({ pipeline }: BenchPipeline, field: string): Promise<number> {
  const info = await pipeline.redis.info('memory');
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1]);
}

function print(results: MemoryResults): void {
  const { megapixels, fileMb, splitMb, assembleMb, assembleS3Mb, blurMb, redisMb, admittedMb } = results;
  console.log(`\nPeak memory, ${megapixels} Mpx PNG of ${fileMb.toFixed(0)} MB, 2 workers`);
  console.log(
    table([
      ['process', 'peak'],
      ['split', mb(splitMb)],
      ['assemble', mb(assembleMb)],
      ['assemble, STORE=s3', mb(assembleS3Mb)],
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
