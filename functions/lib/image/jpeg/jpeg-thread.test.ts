import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { photo } from '../../../testing/photo.ts';
import { decodeJpeg } from './decode.ts';

const [width, height] = [1200, 900];
const memoryBytes = 64 * 1024 * 1024;
const timeoutMs = 60_000;
const scanPixels = 1e9;
const upright = { width, height, orientation: 1 };
const turned = { width: height, height: width, orientation: 6 };

let small: Buffer;
let progressive: Buffer;
let pixels: Buffer;
beforeAll(async () => {
  const { data } = photo(width, height);
  const raw = { width, height, channels: 3 as const };
  small = await sharp(data, { raw }).jpeg().toBuffer();
  progressive = await sharp(data, { raw }).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer();
  pixels = await sharp(small).raw().toBuffer();
});

async function decode(file: Buffer, limits = {}, size = upright): Promise<Buffer> {
  const bands = await Array.fromAsync(
    decodeJpeg(file, size, { memoryBytes, timeoutMs, scanPixels, ...limits }),
  );
  return Buffer.concat(bands.map((band) => band.data));
}

describe('a thread that decodes JPEGs', { timeout: 60_000 }, () => {
  test('leaves this thread free while it decodes', async () => {
    const decoded = new AbortController();
    const decoding = decode(progressive).finally(() => decoded.abort());
    let turns = 0;
    for (; !decoded.signal.aborted; turns++) await setImmediate();
    await decoding;
    // Decoding in this thread would leave it only one turn for each band.
    expect(turns).toBeGreaterThan(100);
  });

  test('returns bands in their own memory, which can be transferred', async () => {
    for await (const { data } of decodeJpeg(small, upright, { memoryBytes, timeoutMs, scanPixels })) {
      expect(data.buffer.byteLength).toBe(data.length);
      expect(() => structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] })).not.toThrow();
    }
  });

  test('decodes several images at once', async () => {
    const decoded = await Promise.all(Array.from({ length: 7 }, () => decode(small)));
    expect(decoded.map((each) => each.equals(pixels))).toEqual(Array(7).fill(true));
  });

  test('terminates a decoder that takes too long, and decodes the next image', async () => {
    await expect(decode(progressive, { timeoutMs: 1 })).rejects.toThrow(
      expect.objectContaining({ code: 'image-too-large', message: expect.stringContaining('1 ms') }),
    );
    expect((await decode(small)).equals(pixels)).toBe(true);
  });

  test('counts only the time its reader waited', async () => {
    const bands = decodeJpeg(small, upright, { memoryBytes, timeoutMs: 1000, scanPixels });
    let rows = 0;
    for await (const band of bands) {
      if (rows === 0) {
        const until = performance.now() + 1100;
        while (performance.now() < until) await setImmediate();
      }
      rows += band.height;
    }
    expect(rows).toBe(height);
  });

  test.each([
    ['scans that build on each other', () => progressive, upright],
    ['a picture to be turned', () => small, turned],
  ])('refuses %s if they take more memory than allowed', async (_, file, size) => {
    const tooLarge = expect.objectContaining({
      code: 'image-too-large',
      message: expect.stringContaining('memory'),
    });
    await expect(decode(file(), { memoryBytes: 3_000_000 }, size)).rejects.toThrow(tooLarge);
    expect(await decode(file(), {}, size)).toHaveLength(width * height * 3);
  });

  test('terminates the decoder when the loop is left, and decodes the next images', async () => {
    for (let i = 0; i < 5; i++) {
      for await (const band of decodeJpeg(small, upright, { memoryBytes, timeoutMs, scanPixels })) {
        expect(band.width).toBe(width);
        break;
      }
    }
    expect((await decode(small)).equals(pixels)).toBe(true);
  });

  test('refuses a file whose size differs from its header', async () => {
    const other = { width: height, height: width, orientation: 1 };
    await expect(decode(small, {}, other)).rejects.toMatchObject({ code: 'invalid-image' });
  });

  test('fails only the image whose decoder crashed', async () => {
    const [broken, ...others] = await Promise.allSettled([
      decode(small, { memoryBytes: NaN }),
      decode(small),
      decode(small),
    ]);
    expect(broken).toMatchObject({ reason: { code: 'internal', cause: expect.anything() } });
    expect(others).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
    expect((await decode(small)).equals(pixels)).toBe(true);
  });
});
