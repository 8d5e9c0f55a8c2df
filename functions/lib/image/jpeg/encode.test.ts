import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { photo } from '../../../testing/photo.ts';
import type { Bitmap } from '../pixels.ts';
import { encodeJpeg } from './encode.ts';
import { readJpegHeader } from './header.ts';
import { resultSegments } from './segments.ts';

const segments = resultSegments('0123456789abcdef01234567', {});

/** Cuts a picture into bands of `rows`. */
function* bandsOf({ data, width, height }: Bitmap, rows: number): Generator<Bitmap> {
  for (let top = 0; top < height; top += rows) {
    const band = data.subarray(top * width * 3, (top + rows) * width * 3);
    yield { data: band, width, height: band.length / (width * 3) };
  }
}

async function encode(picture: Bitmap, quality: number, rows = 256): Promise<Buffer> {
  const chunks = await Array.fromAsync(encodeJpeg(picture, bandsOf(picture, rows), { quality, segments }));
  return Buffer.concat(chunks);
}

/** Returns the mean error of a sample, as another decoder sees it. */
async function errorOf(jpeg: Buffer, { data }: Bitmap): Promise<number> {
  const decoded = await sharp(jpeg).raw().toBuffer();
  expect(decoded).toHaveLength(data.length);
  return decoded.reduce((sum, sample, at) => sum + Math.abs(sample - data[at]), 0) / data.length;
}

describe('a JPEG', () => {
  test.each([
    [1, 1],
    [7, 3],
    [8, 8],
    [17, 33],
    [300, 200],
  ])('of %i × %i pixels has its size and its colours', async (width, height) => {
    const flat = { data: Buffer.alloc(width * height * 3, Buffer.from([200, 40, 90])), width, height };
    const jpeg = await encode(flat, 95);
    expect(readJpegHeader(jpeg)).toMatchObject({ width, height, components: 3 });
    expect(await errorOf(jpeg, flat)).toBeLessThan(2);
  });

  test('is closer to the picture the higher its quality is', async () => {
    const picture = photo(400, 300);
    const errors: number[] = [];
    const sizes: number[] = [];
    for (const quality of [10, 50, 85, 100]) {
      const jpeg = await encode(picture, quality);
      errors.push(await errorOf(jpeg, picture));
      sizes.push(jpeg.length);
    }
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(errors[2]).toBeLessThan(4);
    expect(errors[3]).toBeLessThan(1);
  });

  test('shares one colour among four pixels below quality 90', async () => {
    const sampling = async (quality: number) =>
      (await sharp(await encode(photo(64, 64), quality)).metadata()).chromaSubsampling;
    expect([await sampling(89), await sampling(90)]).toEqual(['4:2:0', '4:4:4']);
  });

  test('does not depend on how its rows arrive', async () => {
    const picture = photo(200, 150);
    const whole = await encode(picture, 85, 150);
    for (const rows of [1, 7, 64]) expect((await encode(picture, 85, rows)).equals(whole)).toBe(true);
  });

  test('can be as wide and as high as libjpeg allows', async () => {
    for (const [width, height] of [
      [65_500, 20],
      [20, 65_500],
    ]) {
      const picture = { data: Buffer.alloc(width * height * 3, 120), width, height };
      expect(await errorOf(await encode(picture, 85), picture)).toBeLessThan(1);
    }
  });
});

describe('bands that do not fit', () => {
  const rows = (width: number, height: number, channels: number): Bitmap => ({
    data: Buffer.alloc(width * height * channels),
    width,
    height,
  });

  test.each([
    ['too few rows', [rows(8, 4, 3)], 'the bands end 2 rows too early'],
    ['too many rows', [rows(8, 6, 3), rows(8, 1, 3)], 'does not fit the last 0 rows of 8x6x3'],
    ['another width', [rows(9, 6, 3)], 'a band of 9x6x3 does not fit'],
    ['transparency', [rows(8, 6, 4)], 'a band of 8x6x4 does not fit'],
  ])('are refused: %s', async (_what, bands, message) => {
    const encoding = Array.fromAsync(encodeJpeg({ width: 8, height: 6 }, bands, { quality: 85, segments }));
    await expect(encoding).rejects.toThrow(new RegExp(message));
  });

  test('too large a picture is a fault of the encoder', async () => {
    const encoding = Array.fromAsync(encodeJpeg({ width: 65_501, height: 1 }, [], { quality: 85, segments }));
    await expect(encoding).rejects.toThrow('The JPEG cannot be written: Maximum supported image dimension');
  });
});
