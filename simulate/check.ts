// Compares the model with the real pipeline on this machine, with 1, 2 and 4 workers.
import { availableParallelism } from 'node:os';
import type { CostsResults } from '../bench/costs.ts';
import { BenchPipeline } from '../bench/lib/bench-pipeline.ts';
import { median } from '../bench/lib/measure.ts';
import { photoPng } from '../functions/testing/photo.ts';
import { buildIfStale } from '../scripts/build.ts';
import { oneMachine } from './settings.ts';
import { trial } from './trial.ts';

const WORKERS = [1, 2, 4];
const LOADS = [
  { megapixels: 24, clients: 1, images: 4 },
  { megapixels: 4, clients: 2, images: 16 },
];
/** Largest allowed difference. */
const TOLERANCE = 0.15;
const ROUNDS = 3;
const MODEL_TIMES = { warmUpMs: 5000, measuredMs: 60_000 };

/**
 * Prints images per second and the CPU time of an image, measured and by the model. On a busy machine only
 * the CPU time is meaningful. Returns whether all images per second are within the tolerance.
 */
export async function check(costs: CostsResults): Promise<boolean> {
  await buildIfStale();
  const cores = availableParallelism();
  let isWithin = true;
  for (const workers of WORKERS) {
    for (const { megapixels, clients, images } of LOADS) {
      const measured = await measure(workers, megapixels, clients, images);
      const model = trial(oneMachine(costs, cores, workers, megapixels), { clients }, MODEL_TIMES);
      const off = model.imagesPerSecond / measured.imagesPerSecond - 1;
      isWithin &&= Math.abs(off) <= TOLERANCE;
      console.log(
        `${workers} workers, ${megapixels} Mpx, ${clients} at once: ${measured.imagesPerSecond.toFixed(2)} images/s, ` +
          `by the model ${model.imagesPerSecond.toFixed(2)} (${(100 * off).toFixed(0)} %); ` +
          `CPU time of an image ${measured.cpuMsPerImage.toFixed(0)} ms, by the model ${model.cpuMsPerImage.toFixed(0)}`,
      );
    }
  }
  console.log(isWithin ? 'All within 15 %.' : 'Not all within 15 %.');
  return isWithin;
}

interface Measured {
  imagesPerSecond: number;
  cpuMsPerImage: number;
}

/**
 * Measures the pipeline while `clients` send one image after another: medians of several rounds, after one to
 * warm up.
 */
async function measure(
  workers: number,
  megapixels: number,
  clients: number,
  images: number,
): Promise<Measured> {
  const png = await photoPng(megapixels);
  const bench = await BenchPipeline.start(workers);
  try {
    const rounds: Measured[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const cpuBefore = bench.cpuMs();
      const startedAt = performance.now();
      await Promise.all(
        Array.from({ length: clients }, async () => {
          for (let sent = 0; sent < images / clients; sent++) await bench.blur(png);
        }),
      );
      const imagesPerSecond = (1000 * images) / (performance.now() - startedAt);
      const cpuMsPerImage = (bench.cpuMs() - cpuBefore) / images;
      if (round > 0) rounds.push({ imagesPerSecond, cpuMsPerImage });
    }
    return {
      imagesPerSecond: median(rounds.map((each) => each.imagesPerSecond)),
      cpuMsPerImage: median(rounds.map((each) => each.cpuMsPerImage)),
    };
  } finally {
    await bench.stop();
  }
}
