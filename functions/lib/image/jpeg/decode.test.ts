import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeJpeg } from './decode.ts';

const [width, height] = [811, 603];
const picture = Buffer.from(
  Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return 128 + 60 * Math.sin(pixel / 31 + i) + 50 * Math.cos(pixel / width / 17);
  }),
);
const source = () => sharp(picture, { raw: { width, height, channels: 3 } });

async function decode(file: Uint8Array): Promise<{ data: Buffer; widths: Set<number> }> {
  const bands = await Array.fromAsync(decodeJpeg(file));
  return {
    data: Buffer.concat(bands.map((band) => band.data)),
    widths: new Set(bands.map((band) => band.width)),
  };
}

describe('decodeJpeg', { timeout: 60_000 }, () => {
  test.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
    ['full chroma', { chromaSubsampling: '4:4:4' }],
    ['mozjpeg', { mozjpeg: true }],
    ['low quality', { quality: 10 }],
  ])('gives the pixels libjpeg gives: %s', async (_, options) => {
    const file = await source().jpeg(options).toBuffer();
    const { data, widths } = await decode(file);
    expect([...widths]).toEqual([width]);
    expect(data.equals(await sharp(file).raw().toBuffer())).toBe(true);
  });

  test('gives grey files as RGB', async () => {
    const file = await source().toColourspace('b-w').jpeg().toBuffer();
    expect((await sharp(file).metadata()).channels).toBe(1);
    const theirs = await sharp(file).toColourspace('srgb').raw().toBuffer();
    expect((await decode(file)).data.equals(theirs)).toBe(true);
  });

  test.each([2, 3, 4, 5, 6, 7, 8])('turns the picture upright from orientation %i', async (orientation) => {
    const file = await source().withMetadata({ orientation }).jpeg().toBuffer();
    const upright = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
    const { data, widths } = await decode(file);
    expect([...widths]).toEqual([upright.info.width]);
    expect(data.equals(upright.data)).toBe(true);
  });

  test('takes bytes that lie within a larger buffer', async () => {
    const file = await source().jpeg().toBuffer();
    const around = Buffer.concat([Buffer.alloc(13, 1), file, Buffer.alloc(5, 1)]);
    const { data } = await decode(around.subarray(13, 13 + file.length));
    expect(data.equals((await decode(file)).data)).toBe(true);
  });

  test('refuses a picture whose data ends early, though its end is marked', async () => {
    const file = await source().jpeg().toBuffer();
    const half = Buffer.concat([file.subarray(0, file.length / 2), file.subarray(-2)]);
    await expect(decode(half)).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-image', message: expect.stringContaining('premature end') }),
    );
  });

  test('refuses a picture the decoder gives up on, and decodes the next', async () => {
    const file = await source().jpeg().toBuffer();
    const lacksTables = Buffer.from(file);
    // Turns the quantisation tables into a comment.
    for (let at = file.indexOf('ffdb', 0, 'hex'); at !== -1; at = file.indexOf('ffdb', at + 1, 'hex')) {
      lacksTables[at + 1] = 0xfe;
    }
    await expect(decode(lacksTables)).rejects.toMatchObject({ code: 'invalid-image' });
    expect(process.exitCode).toBeUndefined();
    expect((await decode(file)).data).toHaveLength(picture.length);
  });

  test('forgives stray bytes between segments', async () => {
    const file = await source().jpeg().toBuffer();
    const stray = Buffer.concat([file.subarray(0, -2), Buffer.from([1, 2, 3]), file.subarray(-2)]);
    expect((await decode(stray)).data.equals((await decode(file)).data)).toBe(true);
  });
});
