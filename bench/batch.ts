// Runs `npm start` on folders of images and measures all of it, from its start to its end. Compares it with sharp and with
// one process that runs the same code. Every run is a process of its own, and all runs are interleaved.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { photo } from '../functions/testing/photo.ts';
import { buildIfStale } from '../scripts/build.ts';
import { measureNode, type CommandCost } from './lib/command.ts';
import { median, table } from './lib/measure.ts';

const KERNEL = 15;
const JPEG_QUALITY = 90;
const PARTS = ['runner', 'split', 'redis', 'blur', 'assemble'];

const batches = [
  { images: 200, megapixels: 0.5, format: 'jpg' },
  { images: 24, megapixels: 4, format: 'png' },
  { images: 10, megapixels: 12, format: 'jpg' },
] as const;

type Batch = (typeof batches)[number];

export interface BatchRow {
  images: number;
  megapixels: number;
  format: string;
  /** From the start of the command to its end. */
  sharpMs: number;
  tesseraMs: number;
  /** Relative to sharp: the median of the ratios in each round. */
  timesSharp: number;
  /** CPU time of one image. */
  cpuMs: { tessera: number; oneProcess: number; sharp: number };
  /** CPU time of one image in each part of the pipeline. */
  parts: Record<string, number>;
}

export interface BatchResults {
  rounds: number;
  rows: BatchRow[];
}

export async function benchBatch({ rounds = 5 } = {}): Promise<BatchResults> {
  await buildIfStale();
  const folder = await mkdtemp(join(tmpdir(), 'tessera-batch-'));
  try {
    const rows: BatchRow[] = [];
    for (const batch of batches) rows.push(await measure(batch, folder, rounds));
    const results = { rounds, rows };
    print(results);
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(batch: Batch, folder: string, rounds: number): Promise<BatchRow> {
  const images = await drawImages(batch, folder);
  const out = join(folder, 'out');
  const here = import.meta.dirname;
  const commands = {
    tessera: [join(here, '../scripts/start.mjs'), images, '--out', out, '--kernel', String(KERNEL)],
    sharp: [join(here, 'lib/sharp-batch.ts'), images, out, String(KERNEL / 3)],
    oneProcess: [join(here, 'lib/one-process-batch.ts'), images, out, String(KERNEL)],
  };
  const costs: Record<keyof typeof commands, CommandCost[]> = { tessera: [], sharp: [], oneProcess: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
      await mkdir(out);
      costs[name].push(await measureNode(commands[name]));
      await rm(out, { recursive: true });
    }
  }
  await rm(images, { recursive: true });
  const { tessera, sharp: peer, oneProcess } = costs;
  const anImage = (values: number[]) => median(values) / batch.images;
  const cpuMs = (of: CommandCost[]) => anImage(of.map((cost) => cost.cpuMs));
  return {
    ...batch,
    tesseraMs: median(tessera.map(({ ms }) => ms)),
    sharpMs: median(peer.map(({ ms }) => ms)),
    timesSharp: median(tessera.map(({ ms }, round) => ms / peer[round].ms)),
    cpuMs: { tessera: cpuMs(tessera), oneProcess: cpuMs(oneProcess), sharp: cpuMs(peer) },
    parts: Object.fromEntries(PARTS.map((part) => [part, anImage(tessera.map(({ roles }) => roles[part]))])),
  };
}

/** Writes the images of a batch to a folder of their own. The picture is the same, the names differ. */
async function drawImages({ images, megapixels, format }: Batch, folder: string): Promise<string> {
  const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
  const { data, width } = photo(Math.round(1.5 * height), height);
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const bytes = await (
    format === 'png' ? picture.png({ adaptiveFiltering: true }) : picture.jpeg({ quality: JPEG_QUALITY })
  ).toBuffer();
  const target = join(folder, 'images');
  await mkdir(target);
  for (let image = 0; image < images; image++) await writeFile(join(target, `p${image}.${format}`), bytes);
  return target;
}

function nameOf({ images, megapixels, format }: BatchRow): string {
  return `${images} of ${megapixels} Mpx, ${format === 'jpg' ? 'JPEG' : 'PNG'}`;
}

function print({ rounds, rows }: BatchResults): void {
  console.log(`\nBatches to PNG, k = ${KERNEL}, start and stop included, medians of ${rounds} rounds`);
  console.log(
    table([
      ['', 'sharp, s', 'Tessera, s', '× sharp'],
      ...rows.map((row) => [
        nameOf(row),
        (row.sharpMs / 1000).toFixed(2),
        (row.tesseraMs / 1000).toFixed(2),
        row.timesSharp.toFixed(2),
      ]),
    ]),
  );
  console.log('\nCPU time of one image, ms');
  console.log(
    table([
      ['', 'sharp', 'one process', 'Tessera', '× one process', ...PARTS],
      ...rows.map((row) => [
        nameOf(row),
        row.cpuMs.sharp.toFixed(1),
        row.cpuMs.oneProcess.toFixed(1),
        row.cpuMs.tessera.toFixed(1),
        (row.cpuMs.tessera / row.cpuMs.oneProcess).toFixed(2),
        ...PARTS.map((part) => row.parts[part].toFixed(1)),
      ]),
    ]),
  );
}
