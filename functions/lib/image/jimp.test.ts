import { Jimp } from 'jimp';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { photo } from '../../testing/photo.ts';
import { TesseraJimp } from './jimp.ts';

const [width, height] = [203, 99];
const opaque = () => sharp(photo(width, height).data, { raw: { width, height, channels: 3 } });
const soft = () => sharp(photo(width, height, { alpha: true }).data, { raw: { width, height, channels: 4 } });

describe('TesseraJimp', { timeout: 60_000 }, () => {
  test.each([
    ['RGB', () => opaque().png({ adaptiveFiltering: true })],
    ['RGBA', () => soft().png({ adaptiveFiltering: true })],
    ['palette', () => opaque().png({ palette: true })],
    ['interlaced', () => soft().png({ progressive: true })],
  ])('decodes a PNG to the bitmap stock Jimp gives: %s', async (_, image) => {
    const file = await image().toBuffer();
    const ours = await TesseraJimp.fromBuffer(file);
    const theirs = await Jimp.fromBuffer(file);
    expect(ours.bitmap).toMatchObject({ width, height });
    expect(ours.bitmap.data.equals(theirs.bitmap.data)).toBe(true);
    expect(ours.mime).toBe('image/png');
  });

  test.each([1, 6, 8])('turns a JPEG once, orientation %i', async (orientation) => {
    const file = await opaque().withMetadata({ orientation }).jpeg().toBuffer();
    const { bitmap } = await TesseraJimp.fromBuffer(file);
    const upright = await sharp(file).autoOrient().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    expect(bitmap).toMatchObject({ width: upright.info.width, height: upright.info.height });
    expect(bitmap.data.equals(upright.data)).toBe(true);
  });

  test.each([
    ['opaque as RGB', opaque, 3],
    ['soft as RGBA', soft, 4],
  ])('encodes a PNG that sharp reads back: %s', async (_, image, channels) => {
    const { bitmap } = await TesseraJimp.fromBuffer(await image().png().toBuffer());
    const file = await new TesseraJimp(bitmap).getBuffer('image/png');
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height, channels });
    expect(data.equals(await image().raw().toBuffer())).toBe(true);
  });

  test('encodes a JPEG', async () => {
    const jimp = new TesseraJimp({ width: 40, height: 30, color: 0x336699ff });
    const file = await jimp.getBuffer('image/jpeg', { quality: 95 });
    expect(await sharp(file).metadata()).toMatchObject({ format: 'jpeg', width: 40, height: 30 });
  });

  test('says what is wrong with a bad image', async () => {
    const file = await opaque().png().toBuffer();
    file[file.length - 20] ^= 1;
    await expect(TesseraJimp.fromBuffer(file)).rejects.toMatchObject({ code: 'invalid-image' });
  });
});
