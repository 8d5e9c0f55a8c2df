import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Jimp as StockJimp } from 'jimp';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { photo } from '../testing/photo.ts';
import { convolve } from './convolve/convolve.ts';
import { Jimp } from './jimp.ts';

const [width, height] = [203, 99];
const opaque = () => sharp(photo(width, height).data, { raw: { width, height, channels: 3 } });
const soft = () => sharp(photo(width, height, { alpha: true }).data, { raw: { width, height, channels: 4 } });

describe('Jimp with our codecs', { timeout: 60_000 }, () => {
  test.each([
    ['RGB', () => opaque().png({ adaptiveFiltering: true })],
    ['RGBA', () => soft().png({ adaptiveFiltering: true })],
    ['palette', () => opaque().png({ palette: true })],
    ['interlaced', () => soft().png({ progressive: true })],
  ])('decodes a PNG to the same bitmap as stock Jimp: %s', async (_, image) => {
    const file = await image().toBuffer();
    const ours = await Jimp.fromBuffer(file);
    const theirs = await StockJimp.fromBuffer(file);
    expect(ours.bitmap).toMatchObject({ width, height });
    expect(ours.bitmap.data.equals(theirs.bitmap.data)).toBe(true);
    expect(ours.mime).toBe('image/png');
  });

  test.each([
    ['JPEG', 1, () => opaque().jpeg()],
    ['JPEG', 6, () => opaque().jpeg()],
    ['JPEG', 8, () => opaque().jpeg()],
    ['PNG', 6, () => opaque().png()],
    ['interlaced PNG', 8, () => soft().png({ progressive: true })],
  ])('turns a %s once, orientation %i', async (_, orientation, image) => {
    const file = await image().withMetadata({ orientation }).toBuffer();
    const { bitmap } = await Jimp.fromBuffer(file);
    const upright = await sharp(file).autoOrient().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    expect(bitmap).toMatchObject({ width: upright.info.width, height: upright.info.height });
    expect(bitmap.data.equals(upright.data)).toBe(true);
  });

  test.each([
    ['opaque as RGB', opaque, 3],
    ['soft as RGBA', soft, 4],
  ])('encodes a PNG that sharp reads back: %s', async (_, image, channels) => {
    const { bitmap } = await Jimp.fromBuffer(await image().png().toBuffer());
    const file = await new Jimp(bitmap).getBuffer('image/png');
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height, channels });
    expect(data.equals(await image().raw().toBuffer())).toBe(true);
  });

  test('encodes a JPEG', async () => {
    const jimp = new Jimp({ width: 40, height: 30, color: 0x336699ff });
    const file = await jimp.getBuffer('image/jpeg', { quality: 95 });
    expect(await sharp(file).metadata()).toMatchObject({ format: 'jpeg', width: 40, height: 30 });
  });

  test('blurs, and has everything that stock Jimp has', async () => {
    const image = await Jimp.fromBuffer(await soft().png().toBuffer());
    const blurred = convolve(image.bitmap, 21).data;
    expect(image.gaussianBlur(21).bitmap.data.equals(blurred)).toBe(true);
    expect(image.resize({ w: 20, h: 10 }).bitmap).toMatchObject({ width: 20, height: 10 });
    expect(await sharp(await image.getBuffer('image/gif')).metadata()).toMatchObject({ format: 'gif' });
  });

  test('reads a file by its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-jimp-'));
    const path = join(folder, 'photo.jpg');
    await opaque().jpeg().toFile(path);
    expect((await Jimp.read(path)).bitmap).toMatchObject({ width, height });
    await rm(folder, { recursive: true });
  });

  test('says what is wrong with a bad image', async () => {
    const file = await opaque().png().toBuffer();
    file[file.length - 20] ^= 1;
    await expect(Jimp.fromBuffer(file)).rejects.toMatchObject({ code: 'invalid-image' });
  });
});
