// Draws the sample images a first run blurs: a landscape, a picture with soft alpha, and a JPEG.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jpegFormat, pngFormat, type JimpBitmap } from '../functions/lib/image/jimp-formats.ts';

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
      const format = path.endsWith('.jpg') ? jpegFormat() : pngFormat();
      const bytes = await format.encode(draw(sample));
      // Another run may read the folder meanwhile, so a sample appears there as a whole.
      const partial = join(folder, `.${sample.file}.${process.pid}`);
      await writeFile(partial, bytes);
      await rename(partial, path);
      return path;
    }),
  );
}

function draw({ width, height, paint }: Sample): JimpBitmap {
  // Rounds what is written to it, and keeps it between 0 and 255.
  const data = new Uint8ClampedArray(width * height * 4);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = paint(x / width, y / height);
      for (let channel = 0; channel < 4; channel++) data[at++] = color[channel];
    }
  }
  return { data: Buffer.from(data.buffer), width, height };
}

function mix(from: Color, to: Color, share: number): Color {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
    from[3] + (to[3] - from[3]) * share,
  ];
}

/** Ridges of sand, darker towards the viewer, under an evening sky with a low sun. */
function dunes(x: number, y: number): Color {
  for (let ridge = 4; ridge >= 0; ridge--) {
    const crest = 0.42 + ridge * 0.12 + 0.05 * Math.sin(x * (5 + ridge * 2.3) + ridge * 1.7);
    if (y < crest) continue;
    const ripple = Math.sin((y - crest) * 420 + Math.sin(x * 31) * 2) * 9;
    const shade = 1 - ridge * 0.16 - (y - crest) * 0.5;
    return [214 * shade + ripple, 142 * shade + ripple, 92 * shade + ripple * 0.7, 255];
  }
  return sky(x, y);
}

function sky(x: number, y: number): Color {
  const sun = Math.hypot((x - 0.68) * 1.4, y - 0.34);
  if (sun < 0.07) return [255, 244, 214, 255];
  const color = mix([38, 52, 110, 255], [255, 176, 112, 255], Math.min(1, y * 1.9));
  return mix([255, 214, 150, 255], color, Math.min(1, sun * 2.2));
}

const lights = Array.from({ length: 14 }, (_, at) => ({
  x: (at * 0.377 + 0.08) % 1,
  y: (at * 0.619 + 0.11) % 1,
  radius: 0.1 + (at % 4) * 0.035,
  color: [255, 120 + (at % 5) * 28, 40 + (at % 3) * 60, 255] as Color,
}));

/** Glowing discs that fade out to full transparency. */
function lanterns(x: number, y: number): Color {
  let color: Color = [20, 16, 44, 0];
  for (const light of lights) {
    const glow = 1 - Math.hypot(x - light.x, y - light.y) / light.radius;
    if (glow > 0) color = mix(color, light.color, glow * glow);
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
