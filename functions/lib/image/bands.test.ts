import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { bandsOf } from './bands.ts';

/** Pixels that are all different. */
function draw(width: number, height: number): { data: Buffer; width: number; height: number } {
  const data = Buffer.alloc(width * height * 4);
  for (let i = 0; i < width * height; i++) data.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i * 4);
  return { data, width, height };
}

describe('bandsOf', { timeout: 60_000 }, () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('turns by orientation %i as libvips does', async (orientation) => {
    // Large enough for several bands in either direction.
    for (const image of [draw(1, 1), draw(3, 2), draw(701, 1203)]) {
      const { data, width, height } = image;
      const tagged = await sharp(data, { raw: { width, height, channels: 4 } })
        .withMetadata({ orientation })
        .png({ compressionLevel: 0 })
        .toBuffer();
      const upright = await sharp(tagged).autoOrient().raw().toBuffer({ resolveWithObject: true });
      const bands = [...bandsOf(image, 4, { orientation })];
      expect(Buffer.concat(bands.map((band) => band.data)).equals(upright.data)).toBe(true);
      for (const band of bands) {
        expect(band.width).toBe(upright.info.width);
        expect(band.data).toHaveLength(band.width * band.height * 4);
        expect(band.data.length).toBeLessThanOrEqual(256 * 1024);
        expect(band.data.buffer.byteLength).toBe(band.data.length);
      }
    }
  });

  test('leaves alpha out when asked for 3 channels', () => {
    const [band, ...more] = bandsOf({ data: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), width: 2, height: 1 }, 3);
    expect([...band.data]).toEqual([1, 2, 3, 5, 6, 7]);
    expect(more).toEqual([]);
  });
});
