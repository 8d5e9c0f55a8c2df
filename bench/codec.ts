// Compares the codecs with stock Jimp and sharp: the same pictures, interleaved in one run, medians. `node
// bench/codec.ts [megapixels] [rounds]` prints only the tables.
import { availableParallelism } from 'node:os';
import { Jimp } from 'jimp';
import sharp, { type Sharp } from 'sharp';
import { Jimp as TesseraJimp } from '../functions/blur/jimp.ts';
import { decodeBands, readHeader } from '../functions/lib/image/read.ts';
import { type Bitmap, channelsOf, freeBytes } from '../functions/lib/image/pixels.ts';
import { encodePng } from '../functions/lib/image/png/encode.ts';
import { interleave, median, table, timeAlone } from './lib/measure.ts';
import { photo } from '../functions/testing/photo.ts';

/** One way to do a job. `times` is how often it fits into stock Jimp's time, `bytes` what it wrote. */
export interface CodecRow {
  job: string;
  codec: string;
  ms: number;
  times: number;
  bytes?: number;
  /** `bytes` relative to stock Jimp's. */
  size?: number;
}

export interface CodecResults {
  megapixels: number;
  rounds: number;
  cores: number;
  rows: CodecRow[];
}

/** Does its job once, and returns the number of bytes it wrote; 0 for a decoder. */
type Codec = () => Promise<number>;

/** Measures all codecs with photo-like pictures of about `megapixels`, each job `rounds` times. */
export async function benchCodec({ megapixels = 24, rounds = 7 } = {}): Promise<CodecResults> {
  const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
  const width = Math.round(1.5 * height);
  const opaque = photo(width, height);
  const soft = photo(width, height, { alpha: true });
  const rows = [
    ...(await compare('decode PNG, RGB', rounds, await decoders(opaque))),
    ...(await compare('decode PNG, RGBA', rounds, await decoders(soft))),
    ...(await compare('encode PNG, RGB', rounds, encoders(opaque))),
    ...(await compare('encode PNG, RGBA', rounds, encoders(soft))),
    ...(await compare('encode PNG, RGB, blurred', rounds, encoders(await blur(opaque)))),
    ...(await compare('decode JPEG', rounds, await jpegDecoders(opaque))),
  ];
  const results = { megapixels: (width * height) / 1e6, rounds, cores: availableParallelism(), rows };
  print(results);
  return results;
}

/** The others are compared with the first codec. */
async function compare(job: string, rounds: number, codecs: Record<string, Codec>): Promise<CodecRow[]> {
  const written = new Map<string, number>();
  const jobs = Object.entries(codecs).map(([codec, run]) => {
    const measured = () => timeAlone(async () => written.set(codec, await run()));
    return [codec, measured] as const;
  });
  const measured = await interleave(new Map(jobs), { rounds });
  const [stock] = measured.keys();
  const stockMs = median(measured.get(stock) ?? []);
  return [...measured].map(([codec, times]) => {
    const ms = median(times);
    const bytes = written.get(codec) ?? 0;
    const row = { job, codec, ms, times: stockMs / ms };
    return bytes === 0 ? row : Object.assign(row, { bytes, size: bytes / (written.get(stock) ?? 0) });
  });
}

async function decoders(image: Bitmap): Promise<Record<string, Codec>> {
  // Adaptive filtering, as in tools that export photos.
  const file = await rawSharp(image).png({ adaptiveFiltering: true }).toBuffer();
  return {
    Jimp: () => Jimp.fromBuffer(file).then(() => 0),
    'Tessera, as a Jimp format': () => TesseraJimp.fromBuffer(file).then(() => 0),
    'Tessera, bands': () => readBands(file),
    sharp: () =>
      sharp(file)
        .raw()
        .toBuffer()
        .then(() => 0),
  };
}

async function jpegDecoders(image: Bitmap): Promise<Record<string, Codec>> {
  const file = await rawSharp(image).jpeg({ quality: 90 }).toBuffer();
  return {
    'Jimp (jpeg-js)': () => Jimp.fromBuffer(file).then(() => 0),
    'Tessera, as a Jimp format': () => TesseraJimp.fromBuffer(file).then(() => 0),
    'Tessera, bands (libjpeg-turbo in WebAssembly)': () => readBands(file),
    sharp: () =>
      sharp(file)
        .raw()
        .toBuffer()
        .then(() => 0),
  };
}

function encoders(image: Bitmap): Record<string, Codec> {
  const { width, height } = image;
  const bitmap = { data: toRgba(image), width, height };
  const channels = channelsOf(image);
  return {
    Jimp: () => new Jimp(bitmap).getBuffer('image/png').then(lengthOf),
    'Tessera, as a Jimp format': () => new TesseraJimp(bitmap).getBuffer('image/png').then(lengthOf),
    'Tessera, bands': async () => {
      let bytes = 0;
      for await (const chunk of encodePng({ width, height, channels }, [image])) bytes += chunk.length;
      return bytes;
    },
    sharp: () => rawSharp(image).png().toBuffer().then(lengthOf),
    'sharp, level 1': () => rawSharp(image).png({ compressionLevel: 1 }).toBuffer().then(lengthOf),
  };
}

async function readBands(file: Buffer): Promise<number> {
  const header = readHeader(file);
  let rows = 0;
  for await (const band of decodeBands(file, header, {
    timeoutMs: 60_000,
    memoryBytes: 1e9,
    scanPixels: 1e9,
  })) {
    rows += band.height;
    // As in split.
    freeBytes(band.data);
  }
  if (rows !== header.height) throw new Error(`${rows} of ${header.height} rows came`);
  return 0;
}

/** Returns an image as assemble has to write it. */
async function blur(image: Bitmap): Promise<Bitmap> {
  return { ...image, data: await rawSharp(image).blur(5).raw().toBuffer() };
}

function rawSharp(image: Bitmap): Sharp {
  const { data, width, height } = image;
  return sharp(data, { raw: { width, height, channels: channelsOf(image) } });
}

function toRgba(image: Bitmap): Buffer {
  if (channelsOf(image) === 4) return Buffer.from(image.data);
  const rgba = Buffer.alloc(image.width * image.height * 4, 255);
  for (let from = 0, to = 0; from < image.data.length; from += 3, to += 4) {
    rgba[to] = image.data[from];
    rgba[to + 1] = image.data[from + 1];
    rgba[to + 2] = image.data[from + 2];
  }
  return rgba;
}

function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}

function print({ megapixels, rounds, cores, rows }: CodecResults): void {
  console.log(`\nCodecs, ${megapixels.toFixed(1)} Mpx, medians of ${rounds} rounds, ${cores} cores\n`);
  const lines = rows.map(({ job, codec, ms, times, bytes, size }) => [
    `${job}: ${codec}`,
    `${ms.toFixed(0)} ms`,
    `${times.toFixed(2)} x`,
    bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`,
    size === undefined ? '' : size.toFixed(2),
  ]);
  console.log(table([['', 'time', 'speed', 'file', 'size'], ...lines]));
}

if (import.meta.main) {
  const [megapixels = 24, rounds = 7] = process.argv.slice(2).map(Number);
  await benchCodec({ megapixels, rounds });
}
