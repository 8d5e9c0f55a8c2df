// A drawn picture that behaves like a photo, the same in every run. A compressor handles pure noise and pure
// gradients unlike photos, so this has what photos have: light, objects with edges, texture and sensor noise.
import sharp from 'sharp';
import type { Bitmap } from '../lib/image/pixels.ts';

/** The texture repeats every `period` pixels, which is far more than the 32 KiB of a deflate window. */
const period = 1024;

/**
 * Returns a picture like a photo: RGB, or with `alpha` RGBA with opaque, transparent and soft regions. Its PNG takes about
 * 4.3 bits per sample; photos from cameras take 4 to 5.
 */
export function photo(width: number, height: number, { alpha = false } = {}): Bitmap {
  const channels = alpha ? 4 : 3;
  const data = Buffer.allocUnsafe(width * height * channels);
  const [columns, rows] = [Math.min(width, period), Math.min(height, period)];
  const detail = drawTexture([64, 32, 16, 8, 4, 2], 11, columns, rows);
  const shapes = drawTexture([256, 128, 64], 5, columns, rows);
  let random = 0x2545f491;
  let i = 0;
  for (let y = 0; y < height; y++) {
    const row = (y % period) * period;
    for (let x = 0; x < width; x++) {
      const at = row + (x % period);
      const object = Math.floor(shapes[at] * 4) & 3;
      const light = 70 + (100 * x) / width + (50 * y) / height + detail[at] * (20 + 24 * object);
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      data[i] = clampToByte(light + 22 * object - 40 + noise(random));
      data[i + 1] = clampToByte(light - 14 * object + noise(random >>> 4));
      data[i + 2] = clampToByte(0.8 * light + 30 * (object & 1) + noise(random >>> 8));
      if (alpha) data[i + 3] = clampToByte(127 + 900 * shapes[at]);
      i += channels;
    }
  }
  return { data, width, height };
}

/** Returns sensor noise from -3 to 3, with a standard deviation of 1.6 levels. */
function noise(bits: number): number {
  return (bits & 3) + ((bits >>> 2) & 3) - 3;
}

function clampToByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * Returns smooth noise around 0 that repeats every `period` pixels: one octave for each cell size. The finer an octave,
 * the lower it is, as in natural scenes. Only the first `columns` and `rows` of the period are drawn.
 */
function drawTexture(cellSizes: number[], seed: number, columns: number, rows: number): Float32Array {
  const texture = new Float32Array(period * period);
  let random = seed;
  for (const cell of cellSizes) {
    const cells = period / cell;
    const amplitude = Math.sqrt(cell / cellSizes[0]);
    const lattice = new Float32Array(cells * cells);
    for (let at = 0; at < lattice.length; at++) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      lattice[at] = (random / 2 ** 31 - 1) * amplitude;
    }
    for (let y = 0; y < rows; y++) {
      const top = Math.floor(y / cell) * cells;
      const bottom = ((Math.floor(y / cell) + 1) % cells) * cells;
      const v = (y % cell) / cell;
      for (let x = 0; x < columns; x++) {
        const left = Math.floor(x / cell);
        const right = (left + 1) % cells;
        const u = (x % cell) / cell;
        const above = lattice[top + left] * (1 - u) + lattice[top + right] * u;
        const below = lattice[bottom + left] * (1 - u) + lattice[bottom + right] * u;
        texture[y * period + x] += above * (1 - v) + below * v;
      }
    }
  }
  return texture;
}

/** Returns a picture of about `megapixels`, 3 by 2, as a PNG like those that photo tools export. */
export async function photoPng(megapixels: number): Promise<Buffer<ArrayBuffer>> {
  const height = Math.round(Math.sqrt((megapixels * 1e6) / 1.5));
  const { data, width } = photo(Math.round(1.5 * height), height);
  const raw = { width, height, channels: 3 as const };
  return Buffer.from(
    await sharp(data, { raw, limitInputPixels: false }).png({ adaptiveFiltering: true }).toBuffer(),
  );
}
