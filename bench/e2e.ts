// End to end: a PNG over HTTP to a blurred PNG, through the pipeline of `npm start`, compared with sharp and
// Jimp, which process the whole image in this process. `node bench/e2e.ts [megapixels] [rounds]` prints only
// the table.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Jimp } from 'jimp';
import sharp from 'sharp';
import { buildIfStale } from '../scripts/build.ts';
import { BenchPipeline } from './lib/bench-pipeline.ts';
import { blurInOneProcess } from './lib/one-process.ts';
import { interleave, median, table, timeAlone } from './lib/measure.ts';
import { photoPng } from '../functions/testing/photo.ts';

const KERNEL = 15;
const WORKERS = 2;
/** Jimp takes so long that a few rounds are enough. */
const JIMP_ROUNDS = 3;

export interface EndToEndRow {
  codec: string;
  ms: number;
  /** Relative to Tessera's time. */
  times: number;
}

export interface EndToEndResults {
  megapixels: number;
  fileMb: number;
  rounds: number;
  rows: EndToEndRow[];
  /** From a cold start: every process is started, blur starts from zero, one image, everything is stopped. */
  fromNothingMs: number;
  /** CPU time per image: of all processes of the pipeline, and of one process that does the same with the same code. */
  cpu: { pipelineMs: number; oneProcessMs: number; ratio: number };
}

export async function benchEndToEnd({ megapixels = 24, rounds = 7 } = {}): Promise<EndToEndResults> {
  await buildIfStale();
  const png = await photoPng(megapixels);
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  const fromNothingMs = await timeOf(() => blurFromNothing(png));
  const bench = await BenchPipeline.start(WORKERS);
  try {
    // Until both workers are running and warm.
    for (let round = 0; round < 3; round++) await bench.blur(png);
    const sigma = KERNEL / 3;
    // Otherwise a job's sync would also wait for files of the job before.
    const writing = (file: string, job: (path: string) => Promise<unknown>) => async () => {
      const path = join(folder, file);
      const ms = await timeAlone(() => job(path));
      await rm(path);
      return ms;
    };
    const jobs = new Map([
      ['Tessera, 2 workers', () => timeAlone(() => bench.blur(png))],
      ['sharp, default options', writing('s.png', (path) => sharp(png).blur(sigma).png().toFile(path))],
      ['one process, same code', writing('o.png', (path) => blurInOneProcess(png, path, KERNEL))],
    ]);
    const measured = await interleave(jobs, { rounds, leastMs: 1 });
    const jimp = await interleave(
      new Map([['Jimp, whole image', writing('j.png', (path) => blurByJimp(png, path))]]),
      { rounds: Math.min(rounds, JIMP_ROUNDS), leastMs: 1 },
    );
    const all = new Map([...measured, ...jimp]);
    const own = median(all.get('Tessera, 2 workers') ?? []);
    const rows = [...all].map(([codec, times]) => ({ codec, ms: median(times), times: median(times) / own }));
    const cpu = await compareCpu(bench, png, join(folder, 'o.png'), rounds);
    const results = { megapixels, fileMb: png.length / 1e6, rounds, rows, fromNothingMs, cpu };
    print(results);
    return results;
  } finally {
    await bench.stop();
    await rm(folder, { recursive: true });
  }
}

async function blurFromNothing(png: Uint8Array<ArrayBuffer>): Promise<void> {
  const bench = await BenchPipeline.start(WORKERS);
  await bench.blur(png);
  await bench.stop();
}

async function blurByJimp(png: Uint8Array<ArrayBuffer>, path: string): Promise<void> {
  const image = await Jimp.fromBuffer(Buffer.from(png.buffer, png.byteOffset, png.byteLength));
  await writeFile(path, await image.blur(Math.floor(KERNEL / 2)).getBuffer('image/png'));
}

async function compareCpu(bench: BenchPipeline, png: Uint8Array<ArrayBuffer>, path: string, rounds: number) {
  const pipeline: number[] = [];
  const one: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = bench.cpuMs();
    await bench.blur(png);
    pipeline.push(bench.cpuMs() - before);
    const own = process.cpuUsage();
    await blurInOneProcess(png, path, KERNEL);
    const { user, system } = process.cpuUsage(own);
    one.push((user + system) / 1000);
  }
  const pipelineMs = median(pipeline);
  const oneProcessMs = median(one);
  return { pipelineMs, oneProcessMs, ratio: pipelineMs / oneProcessMs };
}

async function timeOf(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

function print({ megapixels, fileMb, rounds, rows, fromNothingMs, cpu }: EndToEndResults): void {
  console.log(
    `\nEnd to end: ${megapixels} Mpx PNG (${fileMb.toFixed(0)} MB), k = ${KERNEL}, medians of ${rounds} rounds`,
  );
  console.log(
    table([
      ['', 'ms', '× Tessera'],
      ...rows.map(({ codec, ms, times }) => [codec, ms.toFixed(0), times.toFixed(2)]),
    ]),
  );
  console.log(`From nothing, scale from zero and stopping included: ${fromNothingMs.toFixed(0)} ms`);
  console.log(
    `CPU an image: ${cpu.pipelineMs.toFixed(0)} ms in all processes, ${cpu.oneProcessMs.toFixed(0)} ms in one: ${cpu.ratio.toFixed(2)}`,
  );
}

if (import.meta.main) {
  const [megapixels = 24, rounds = 7] = process.argv.slice(2).map(Number);
  await benchEndToEnd({ megapixels, rounds });
}
