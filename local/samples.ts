// Draws the sample images a first run blurs: a landscape, a picture with soft alpha, and a JPEG.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Jimp } from '../functions/blur/jimp.ts';

type Color = [red: number, green: number, blue: number, alpha: number];
type Paint = (x: number, y: number) => Color;

interface Sample {
  file: string;
  width: number;
  height: number;
  /** Returns the colour at a point of the picture; both coordinates are from 0 to 1. */
  paint: Paint;
}

const samples: Sample[] = [
  { file: 'dunes.png', width: 1792, height: 1280, paint: dunes },
  { file: 'lanterns.png', width: 900, height: 700, paint: lanterns },
  { file: 'tiles.jpg', width: 1200, height: 800, paint: mosaic },
];

/** Draws the samples, or the first few of them, into `folder`, and returns their paths. */
export async function drawSamples(folder: string, count = samples.length): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    samples.slice(0, count).map(async (sample) => {
      const path = join(folder, sample.file);
      const image = new Jimp({ data: draw(sample), width: sample.width, height: sample.height });
      const bytes = await image.getBuffer(path.endsWith('.jpg') ? 'image/jpeg' : 'image/png');
      // Another run may read the folder meanwhile, so a sample appears there as a whole.
      const partial = join(folder, `.${sample.file}.${process.pid}`);
      await writeFile(partial, bytes);
      await rename(partial, path);
      return path;
    }),
  );
}

function draw({ width, height, paint }: Sample): Buffer {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(paint(x / width, y / height).map(toByte), (y * width + x) * 4);
  }
  return data;
}

function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

function mix(from: Color, to: Color, share: number): Color {
  return from.map((value, at) => value + (to[at] - value) * share) as Color;
}

/** Ridges of sand, darker towards the viewer, under an evening sky with a low sun. */
function dunes(x: number, y: number): Color {
  const sun = Math.hypot((x - 0.68) * 1.4, y - 0.34);
  let color = mix([38, 52, 110, 255], [255, 176, 112, 255], Math.min(1, y * 1.9));
  if (sun < 0.07) color = [255, 244, 214, 255];
  else color = mix([255, 214, 150, 255], color, Math.min(1, sun * 2.2));
  for (let ridge = 0; ridge < 5; ridge++) {
    const crest = 0.42 + ridge * 0.12 + 0.05 * Math.sin(x * (5 + ridge * 2.3) + ridge * 1.7);
    if (y < crest) continue;
    const ripple = Math.sin((y - crest) * 420 + Math.sin(x * 31) * 2) * 9;
    const shade = 1 - ridge * 0.16 - (y - crest) * 0.5;
    color = [214 * shade + ripple, 142 * shade + ripple, 92 * shade + ripple * 0.7, 255];
  }
  return color;
}

/** Glowing discs that fade out to full transparency. */
function lanterns(x: number, y: number): Color {
  let color: Color = [20, 16, 44, 0];
  for (let lantern = 0; lantern < 14; lantern++) {
    const centreX = (lantern * 0.377 + 0.08) % 1;
    const centreY = (lantern * 0.619 + 0.11) % 1;
    const glow = Math.max(0, 1 - Math.hypot(x - centreX, y - centreY) / (0.1 + (lantern % 4) * 0.035));
    const hue: Color = [255, 120 + (lantern % 5) * 28, 40 + (lantern % 3) * 60, 255];
    color = mix(color, hue, glow * glow);
  }
  return color;
}

/** A floor of glazed tiles with hard edges, which show a blur best. */
function mosaic(x: number, y: number): Color {
  const column = Math.floor(x * 24);
  const row = Math.floor(y * 16);
  const inX = x * 24 - column;
  const inY = y * 16 - row;
  if (Math.min(inX, inY, 1 - inX, 1 - inY) < 0.06) return [232, 226, 214, 255];
  const hash = Math.abs(Math.sin(column * 12.9898 + row * 78.233) * 43758.5453) % 1;
  const diamond = Math.abs(inX - 0.5) + Math.abs(inY - 0.5) < 0.22 + hash * 0.2;
  return diamond ? [24, 70 + hash * 90, 130 + hash * 70, 255] : [230 - hash * 60, 190 - hash * 80, 120, 255];
}
