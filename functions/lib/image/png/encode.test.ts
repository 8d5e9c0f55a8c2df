import { randomBytes } from 'node:crypto';
import png from '@jimp/js-png';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { photo } from '../../../testing/photo.ts';
import type { Bitmap, Channels } from '../pixels.ts';
import { decodePng } from './decode.ts';
import { frameChunk } from './chunks.ts';
import { encodePng } from './encode.ts';

/** Yields `image` as bands of these heights, repeatedly. */
function* cut({ data, width, height }: Bitmap, heights: number[]): Generator<Bitmap> {
  const row = data.length / height;
  for (let top = 0, i = 0; top < height; i++) {
    const rows = Math.min(heights[i % heights.length], height - top);
    yield { data: data.subarray(top * row, (top + rows) * row), width, height: rows };
    top += rows;
  }
}

function sizeOf({ data, width, height }: Bitmap): { width: number; height: number; channels: Channels } {
  return { width, height, channels: data.length === width * height * 3 ? 3 : 4 };
}

async function encode(image: Bitmap, heights = [64]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(encodePng(sizeOf(image), cut(image, heights))));
}

/** RGBA of either kind of bitmap. */
function toRgba({ data, width, height }: Bitmap): Buffer {
  if (data.length === width * height * 4) return Buffer.from(data);
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return rgba;
}

/** Returns whether two independent decoders, those of sharp and Jimp, find `image` in `file`. */
async function readsBackTo(file: Buffer, image: Bitmap): Promise<boolean> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = sizeOf(image);
  const hasSize = info.width === width && info.height === height && info.channels === channels;
  return hasSize && data.equals(image.data) && png().decode(file).data.equals(toRgba(image));
}

/** A black band. */
function band(width: number, height: number, channels: number): Bitmap {
  return { data: Buffer.alloc(width * height * channels), width, height };
}

describe('encodePng', { timeout: 60_000 }, () => {
  test('writes files that other decoders read to the same pixels', async () => {
    const images = fc
      .record({
        width: fc.integer({ min: 1, max: 67 }),
        height: fc.integer({ min: 1, max: 41 }),
        channels: fc.constantFrom<Channels>(3, 4),
        levels: fc.constantFrom(1, 2, 7, 256),
        heights: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      })
      .map(({ width, height, channels, levels, heights }) => {
        const data = randomBytes(width * height * channels).map((byte) => (byte % levels) * 17);
        return { image: { data, width, height }, heights };
      });
    const property = fc.asyncProperty(images, async ({ image, heights }) => {
      return readsBackTo(await encode(image, heights), image);
    });
    await expect(fc.assert(property, { numRuns: 150 })).resolves.toBeUndefined();
  });

  const [width, height] = [1103, 701];
  const flat = Buffer.alloc(width * height * 4, 90);
  test.each<[string, Bitmap]>([
    ['a photo', photo(width, height)],
    ['a photo with alpha', photo(width, height, { alpha: true })],
    ['one colour', { data: flat, width, height }],
    ['noise', { data: randomBytes(width * height * 3), width, height }],
    ['one row wider than a stripe', { data: randomBytes(600_000), width: 200_000, height: 1 }],
    ['one column', { data: randomBytes(600_000), width: 1, height: 150_000 }],
  ])('writes %s in several stripes', async (_, image) => {
    const file = await encode(image, [256, 1, 2, 99]);
    expect(await readsBackTo(file, image)).toBe(true);
    const ours = Buffer.concat((await Array.fromAsync(decodePng(file))).map((band) => band.data));
    expect(ours.equals(image.data)).toBe(true);
  });

  test.each([false, true])(
    'takes at most 1.12 times the bytes of the stock codec, alpha: %s',
    async (alpha) => {
      const image = photo(900, 600, { alpha });
      const stock = png().encode({ ...image, data: toRgba(image) });
      expect((await encode(image)).length).toBeLessThanOrEqual(1.12 * stock.length);
    },
  );

  test('puts the given chunks directly after the header', async () => {
    const ancillary = Buffer.concat(frameChunk(0x70485973, Buffer.from([0, 0, 11, 19, 0, 0, 11, 19, 1]))); // pHYs
    const file = Buffer.concat(
      await Array.fromAsync(encodePng({ width: 4, height: 2, channels: 3 }, [band(4, 2, 3)], { ancillary })),
    );
    expect(file.indexOf(ancillary)).toBe(8 + 25);
    expect((await sharp(file).metadata()).density).toBe(72);
  });

  test('reads bands only as fast as its chunks are consumed', async () => {
    const image = { data: randomBytes(16 * 1024 * 1024), width: 1024, height: 4096 };
    let rowsTaken = 0;
    function* bands(): Generator<Bitmap> {
      for (const band of cut(image, [64])) {
        rowsTaken += band.height;
        yield band;
      }
    }
    let written = 0;
    for await (const chunk of encodePng(sizeOf(image), bands())) {
      written += chunk.length;
      // Noise cannot be compressed, so bytes that were read and not written are held.
      expect(rowsTaken * 4096 - written).toBeLessThan(6 * 1024 * 1024);
    }
    expect(rowsTaken).toBe(4096);
  });

  test('closes its source when the consumer leaves', async () => {
    const image = { data: randomBytes(4 * 1024 * 1024), width: 1024, height: 1024 };
    let isClosed = false;
    async function* bands(): AsyncGenerator<Bitmap> {
      try {
        yield* cut(image, [64]);
      } finally {
        isClosed = true;
      }
    }
    let chunks = 0;
    for await (const _ of encodePng(sizeOf(image), bands())) if (++chunks === 8) break;
    expect(chunks).toBe(8);
    expect(isClosed).toBe(true);
  });

  test('rethrows errors of its source', async () => {
    const image = { data: randomBytes(3 * 1024 * 1024), width: 1024, height: 1024 };
    function* bands(): Generator<Bitmap> {
      let count = 0;
      for (const band of cut(image, [64])) {
        if (++count === 12) throw new Error('a tile is gone');
        yield band;
      }
    }
    await expect(Array.fromAsync(encodePng(sizeOf(image), bands()))).rejects.toThrow('a tile is gone');
  });

  test.each([
    ['too few rows', [band(4, 2, 3)], /1 rows too early/],
    ['no rows', [], /3 rows too early/],
    ['too many rows', [band(4, 2, 3), band(4, 2, 3)], /last 1 rows/],
    ['rows after the last', [band(4, 3, 3), band(4, 1, 3)], /last 0 rows/],
    ['rows of another width', [band(3, 3, 4)], /3x3x4/],
    ['rows with alpha', [band(4, 3, 4)], /4x3x4/],
  ])('refuses %s', async (_, bands, message) => {
    const chunks = Array.fromAsync(encodePng({ width: 4, height: 3, channels: 3 }, bands));
    await expect(chunks).rejects.toThrow(RangeError);
    await expect(chunks).rejects.toThrow(message);
  });
});
