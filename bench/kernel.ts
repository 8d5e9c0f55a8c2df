// Measures the convolution alone: one thread, one 256×256 tile with its halo, compared with the usual
// alternatives, in one run. `node bench/kernel.ts [rounds]` prints only the table.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJimp } from '@jimp/core';
import { methods as jimpBlur } from '@jimp/plugin-blur';
import sharp, { type BlurOptions } from 'sharp';
import { convolve } from '../functions/blur/convolve/convolve.ts';
import { gaussianWeights } from '../functions/blur/convolve/kernel.ts';
import { blurByDefinition } from '../functions/testing/gaussian-reference.ts';
import { channelsOf, freeBytes, type Bitmap } from '../functions/lib/image/pixels.ts';
import { interleave, median, table, type Job } from './lib/measure.ts';
import { startOpenCv, type OpenCv } from './lib/opencv.ts';
import { crop } from '../functions/testing/drawn-image.ts';
import { photo } from '../functions/testing/photo.ts';

const TILE = 256;
const KERNELS = [15, 21, 51];
/** Short enough that a measurement is rarely interrupted by other processes. */
const SLICE_MS = 4;

export type TileKind = 'RGB' | 'RGBA, opaque' | 'RGBA, alpha';

/** One implementation on one tile with one kernel. */
export interface KernelRow {
  tile: TileKind;
  implementation: string;
  kernelSize: number;
  /** Median time of one tile. */
  ms: number;
  /** Pixels of the core, the tile without its halo. */
  megapixelsPerSecond: number;
  /** Speed relative to OpenCV on the same tile, the median of all rounds; null without OpenCV. */
  timesOpenCv: number | null;
  /** The largest difference from the definition in grey levels, and the share of samples that differ. */
  worstError: number;
  differing: number;
}

export interface KernelResults {
  rounds: number;
  cores: number;
  node: string;
  openCv: string | null;
  rows: KernelRow[];
}

/** Blurs a tile: a job to measure, and its result for the core. */
interface Blur {
  run: Job;
  core: () => Promise<Uint8Array> | Uint8Array;
}

/** Measures all implementations with drawn photos; every job `rounds` times, interleaved. */
export async function benchKernel({ rounds = 15 } = {}): Promise<KernelResults> {
  const openCv = await startOpenCv();
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  try {
    const rows: KernelRow[] = [];
    for (const tile of ['RGB', 'RGBA, opaque', 'RGBA, alpha'] as const) {
      for (const kernelSize of KERNELS) {
        const source = drawTile(tile, TILE + kernelSize - 1);
        const blurs = blursOf(source, kernelSize);
        if (openCv !== null) blurs.set(OPENCV, await openCvBlur(openCv, source, kernelSize, folder));
        rows.push(...(await compare(tile, kernelSize, source, blurs, rounds)));
      }
    }
    const results = {
      rounds,
      cores: availableParallelism(),
      node: process.version,
      openCv: openCv?.version ?? null,
      rows,
    };
    print(results);
    return results;
  } finally {
    await rm(folder, { recursive: true });
    await openCv?.close();
  }
}

const OPENCV = 'OpenCV GaussianBlur';

function drawTile(kind: TileKind, side: number): Bitmap {
  if (kind === 'RGBA, alpha') return photo(side, side, { alpha: true });
  const rgb = photo(side, side);
  return kind === 'RGB' ? rgb : { ...rgb, data: withAlpha(rgb.data) };
}

function withAlpha(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)],
  );
}

/** Returns the implementations in this process. */
function blursOf(source: Bitmap, kernelSize: number): Map<string, Blur> {
  const radius = (kernelSize - 1) / 2;
  const core = { x: radius, y: radius, width: TILE, height: TILE };
  const whole = (blur: () => Promise<Uint8Array> | Uint8Array): Blur => ({
    run: async () => void (await blur()),
    core: async () => crop({ ...source, data: await blur() }, core).data,
  });
  const blurs = new Map<string, Blur>([
    [
      'Tessera',
      {
        // The core's memory is freed at once, as in the consumer.
        run: () => freeBytes(convolve(source, kernelSize, core).data),
        core: () => convolve(source, kernelSize, core).data,
      },
    ],
    ['by definition, plainly', whole(() => blurByDefinition(source, kernelSize).data)],
    ['sharp, default', whole(() => sharpBlur(source, { sigma: kernelSize / 3 }))],
    ['sharp, this kernel in float', whole(() => sharpBlur(source, sharpKernel(kernelSize)))],
  ]);
  if (channelsOf(source) === 4)
    blurs.set(
      'Jimp blur',
      whole(() => jimp(source).blur(radius).bitmap.data),
    );
  return blurs;
}

const Jimp = createJimp({ plugins: [jimpBlur] });

function jimp({ data, width, height }: Bitmap) {
  return new Jimp({ data: Buffer.from(data), width, height });
}

sharp.concurrency(1);
sharp.cache(false);

async function sharpBlur(source: Bitmap, options: BlurOptions): Promise<Uint8Array> {
  const { data, width, height } = source;
  return sharp(data, { raw: { width, height, channels: channelsOf(source) } })
    .blur(options)
    .raw()
    .toBuffer();
}

/**
 * Returns options that make sharp cut its Gaussian where ours ends: at the first weight below `minAmplitude`
 * of the middle's.
 */
function sharpKernel(kernelSize: number): BlurOptions {
  const weights = gaussianWeights(kernelSize);
  const edge = weights[0] / weights[(kernelSize - 1) / 2];
  return { sigma: kernelSize / 3, minAmplitude: edge * 0.98, precision: 'float' };
}

async function openCvBlur(openCv: OpenCv, source: Bitmap, kernelSize: number, folder: string): Promise<Blur> {
  const path = join(folder, 'tile.raw');
  const name = `${channelsOf(source)} channels, ${kernelSize}`;
  await writeFile(path, source.data);
  const { width, height } = source;
  await openCv.ask({ load: name, path, width, height, channels: channelsOf(source), kernel: kernelSize });
  const radius = (kernelSize - 1) / 2;
  return {
    run: async () => Number((await openCv.ask({ run: name, ms: SLICE_MS })).ms),
    core: async () => {
      await openCv.ask({ save: name, path });
      const core = { x: radius, y: radius, width: TILE, height: TILE };
      return crop({ ...source, data: await readFile(path) }, core).data;
    },
  };
}

async function compare(
  tile: TileKind,
  kernelSize: number,
  source: Bitmap,
  blurs: Map<string, Blur>,
  rounds: number,
): Promise<KernelRow[]> {
  const radius = (kernelSize - 1) / 2;
  const core = { x: radius, y: radius, width: TILE, height: TILE };
  const expected = crop(blurByDefinition(source, kernelSize), core).data;
  const times = await interleave(new Map([...blurs].map(([name, { run }]) => [name, run])), {
    rounds,
    leastMs: SLICE_MS,
  });
  const openCvMs = times.get(OPENCV);
  const rows: KernelRow[] = [];
  for (const [implementation, blur] of blurs) {
    const each = times.get(implementation) ?? [];
    const ms = median(each);
    rows.push({
      tile,
      implementation,
      kernelSize,
      ms,
      megapixelsPerSecond: (TILE * TILE) / ms / 1000,
      timesOpenCv: openCvMs ? median(each.map((ours, round) => openCvMs[round] / ours)) : null,
      ...errorsOf(await blur.core(), expected),
    });
  }
  return rows;
}

function errorsOf(samples: Uint8Array, expected: Uint8Array): { worstError: number; differing: number } {
  const errors = expected.map((sample, i) => Math.abs(sample - samples[i]));
  return {
    worstError: errors.reduce((worst, error) => Math.max(worst, error), 0),
    differing: errors.filter((error) => error > 0).length / errors.length,
  };
}

function print({ rounds, openCv, rows }: KernelResults): void {
  console.log(
    `Blur of one ${TILE}x${TILE} tile with its halo, one thread, medians of ${rounds} rounds. Mpx/s of the core,`,
  );
  console.log(
    openCv === null
      ? 'OpenCV is not installed (python3-opencv).'
      : `OpenCV is ${openCv}; in brackets, times its speed.`,
  );
  for (const tile of new Set(rows.map((row) => row.tile))) {
    const ofTile = rows.filter((row) => row.tile === tile);
    const names = new Set(ofTile.map((row) => row.implementation));
    const lines = Array.from(names, (name) => lineOf(ofTile.filter((row) => row.implementation === name)));
    const head = [tile, ...KERNELS.map((kernelSize) => `k = ${kernelSize}`), 'worst error', 'samples off'];
    console.log(`\n${table([head, ...lines])}`);
  }
}

/** Returns one implementation's line of the table, from its rows. */
function lineOf(rows: KernelRow[]): string[] {
  const worst = Math.max(...rows.map((row) => row.worstError));
  const differing = 100 * Math.max(...rows.map((row) => row.differing));
  return [rows[0].implementation, ...rows.map(cell), String(worst), `${differing.toFixed(3)} %`];
}

function cell({ megapixelsPerSecond, timesOpenCv }: KernelRow): string {
  const speed = megapixelsPerSecond.toFixed(1);
  return timesOpenCv === null ? speed : `${speed} (${timesOpenCv.toFixed(2)})`;
}

if (import.meta.main) await benchKernel({ rounds: Number(process.argv[2] ?? 15) });
