// A viewer needs more than the pixels: colour profile, density and orientation pass through the whole
// pipeline.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { exifChunk, pngChunk } from '../../functions/testing/drawn-png.ts';
import { displayP3, swapRedAndGreen } from '../../functions/testing/icc-profiles.ts';
import { jpegWithProfile, jpegWithSegment } from '../../functions/testing/jpeg-segments.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller } from '../support/caller.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

const kernel = 9;
const original = picture(150, 90);

/** Returns a PNG file with these chunks after its header. */
function withChunks(png: Buffer, ...chunks: Buffer[]): Buffer<ArrayBuffer> {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

function iccChunk(profile: Buffer): Buffer {
  return pngChunk('iCCP', Buffer.concat([Buffer.from('swapped\0\0'), deflateSync(profile)]));
}

/** pHYs: pixels per metre, horizontal and vertical. */
function densityChunk(x: number, y: number): Buffer {
  const content = Buffer.alloc(9, 1);
  content.writeUInt32BE(x);
  content.writeUInt32BE(y, 4);
  return pngChunk('pHYs', content);
}

/** Returns a JPEG with a density in dots per inch, as in JFIF. */
async function jpegOf(image: Bitmap, across: number, down: number): Promise<Buffer<ArrayBuffer>> {
  const jpeg = await sharp(await toPng(image, 3))
    .jpeg()
    .toBuffer();
  const jfif = Buffer.from('JFIF\0\x01\x01\x01\0\0\0\0\0\0', 'latin1');
  jfif.writeUInt16BE(across, 8);
  jfif.writeUInt16BE(down, 10);
  return jpegWithSegment(jpeg, 0xe0, jfif);
}

describe.each(storeKinds)('with STORE=%s', (store) => {
  let home: StoreHome;
  let caller: Caller;
  let profile: Buffer;

  beforeAll(async () => {
    profile = swapRedAndGreen(await displayP3());
    home = await makeStoreHome(store);
    const env = { ...home.env, LOG_LEVEL: 'warn', TILE_SIZE: '64' };
    caller = new Caller(await Pipeline.start({ env, maxWorkers: 1 }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await home.close();
  });

  async function blur(file: Uint8Array<ArrayBuffer>, name: string): Promise<Buffer> {
    const { id } = await caller.blur(file, `name=${name}&kernel=${kernel}`);
    return Buffer.from(await (await caller.fetchResult(id)).bytes());
  }

  /** Returns what a viewer that supports profiles shows of the blurred picture. */
  async function shown(image: Bitmap, ...chunks: Buffer[]): Promise<Bitmap> {
    return toPixels(withChunks(await toPng(convolve(image, kernel), 3), ...chunks));
  }

  it('a PNG keeps its colour profile, and so its colours', async () => {
    const result = await blur(withChunks(await toPng(original, 3), iccChunk(profile)), 'profile.png');
    expect((await sharp(result).metadata()).icc).toEqual(profile);
    expect(await toPixels(result)).toEqual(await shown(original, iccChunk(profile)));
    expect(await toPixels(result)).not.toEqual(await shown(original));
  });

  it('a PNG keeps its density, gamma and primaries', async () => {
    const chunks = [
      pngChunk(
        'cHRM',
        Buffer.from('00007a26000080840000fa000000803a000075300000ea6000003a9800001770', 'hex'),
      ),
      pngChunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f])),
      densityChunk(11_811, 11_811),
    ];
    const result = await blur(withChunks(await toPng(original, 3), ...chunks), 'density.png');
    for (const chunk of chunks) expect(result.includes(chunk)).toBe(true);
    expect((await sharp(result).metadata()).density).toBe(300);
  });

  it('a PNG that is rotated by 90° becomes upright, with its density turned', async () => {
    const png = withChunks(await toPng(original, 3), exifChunk(6), densityChunk(4000, 2000));
    const upright = await toPixels(await sharp(png).autoOrient().png().toBuffer());
    const result = await blur(png, 'side.png');
    expect(await toPixels(result)).toEqual(await shown(upright));
    expect(result.includes(densityChunk(2000, 4000))).toBe(true);
    expect((await sharp(result).metadata()).orientation).toBeUndefined();
  });

  it('a JPEG keeps its colour profile, in several parts, and its density', async () => {
    const plain = await jpegOf(original, 300, 150);
    const result = await blur(jpegWithProfile(plain, profile, 3), 'profile.jpg');
    expect((await sharp(result).metadata()).icc).toEqual(profile);
    expect(result.includes(densityChunk(11_811, 5906))).toBe(true);
    expect(await toPixels(result)).toEqual(await shown(await toPixels(plain), iccChunk(profile)));
  });

  it('a JPEG that is rotated by 90° becomes upright, with its density turned', async () => {
    const exif = Buffer.concat([Buffer.from('Exif\0\0'), exifChunk(6).subarray(8, -4)]);
    const jpeg = jpegWithSegment(await jpegOf(original, 300, 150), 0xe1, exif);
    const upright = await toPixels(await sharp(jpeg).autoOrient().png().toBuffer());
    const result = await blur(jpeg, 'side.jpg');
    expect(await toPixels(result)).toEqual(await shown(upright));
    expect(result.includes(densityChunk(5906, 11_811))).toBe(true);
    expect((await sharp(result).metadata()).orientation).toBeUndefined();
  });

  it('leaves nothing of them in Redis', async () => {
    expect(await caller.pipeline.redis.keys('image:*:ancillary')).toEqual([]);
  });
});
