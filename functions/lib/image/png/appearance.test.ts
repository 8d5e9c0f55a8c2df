import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Drawing, drawPng, exifChunk, pngChunk } from '../../../testing/drawn-png.ts';
import { displayP3, swapRedAndGreen } from '../../../testing/icc-profiles.ts';
import type { Appearance } from '../appearance.ts';
import { readHeader } from '../read.ts';
import { ancillaryChunks } from './appearance.ts';
import { encodePng } from './encode.ts';

const rgb: Drawing = {
  width: 4,
  height: 3,
  colorType: 2,
  bitDepth: 8,
  sample: (x, y, s) => 40 * x + 9 * y + s,
};
let profile: Buffer;
beforeAll(async () => {
  profile = swapRedAndGreen(await displayP3());
});

const gAMA = pngChunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f]));
const cHRM = pngChunk(
  'cHRM',
  Buffer.from('00007a26000080840000fa000000803a000075300000ea6000003a9800001770', 'hex'),
);
const sRGB = pngChunk('sRGB', Buffer.from([0]));
const cICP = pngChunk('cICP', Buffer.from([9, 16, 0, 1]));
const mDCV = pngChunk('mDCV', Buffer.alloc(24, 3));
const cLLI = pngChunk('cLLI', Buffer.alloc(8, 5));
const pHYs = (x: number, y: number, unit = 1): Buffer => {
  const content = Buffer.alloc(9, unit);
  content.writeUInt32BE(x);
  content.writeUInt32BE(y, 4);
  return pngChunk('pHYs', content);
};
const iCCP = (content: Buffer, name = 'a\0\0'): Buffer =>
  pngChunk('iCCP', Buffer.concat([Buffer.from(name), content]));
const damaged = (chunk: Buffer): Buffer => {
  const copy = Buffer.from(chunk);
  copy[copy.length - 1] ^= 1;
  return copy;
};

const read = (drawing: Partial<Drawing>, ...chunksBefore: Buffer[]): Appearance =>
  readHeader(drawPng({ ...rgb, ...drawing, chunksBefore })).appearance;

/** Returns the chunks in the result of a source that has `chunks`. */
async function carried(...chunks: Buffer[]): Promise<Buffer> {
  return Buffer.from(await ancillaryChunks(read({}, ...chunks)));
}

describe('the appearance of a PNG', () => {
  test('is empty if no chunk says anything', async () => {
    expect(read({})).toEqual({ colorChunks: [] });
    expect(await ancillaryChunks(read({}))).toHaveLength(0);
  });

  test('keeps the chunks about colour unchanged, in the required order', async () => {
    expect(await carried(gAMA, sRGB, cHRM, cLLI, cICP, mDCV)).toEqual(
      Buffer.concat([cICP, mDCV, cLLI, cHRM, gAMA, sRGB]),
    );
  });

  test('keeps a profile, and drops sRGB beside it', async () => {
    const chunks = await carried(sRGB, iCCP(deflateSync(profile)), gAMA);
    expect(chunks.subarray(0, gAMA.length)).toEqual(gAMA);
    expect(chunks.indexOf('iCCP')).toBe(gAMA.length + 4);
    expect(chunks.includes('sRGB')).toBe(false);
    expect(read({}, pngChunk('zzZz', Buffer.alloc(0)), iCCP(deflateSync(profile))).iccProfile).toEqual(
      profile,
    );
  });

  test('keeps sRGB beside a profile that cannot be used', async () => {
    expect(await carried(iCCP(Buffer.from('nonsense')), sRGB)).toEqual(sRGB);
  });

  test.each([
    [[3000, 3000, 1], { x: 3000, y: 3000, unit: 'metre' }],
    [[3000, 1500, 1], { x: 3000, y: 1500, unit: 'metre' }],
    [[2, 1, 0], { x: 2, y: 1, unit: 'aspect' }],
    [[1, 1, 0], undefined],
    [[0, 3000, 1], undefined],
  ])('reads the density of pHYs %j as %j', (values, density) => {
    const [x, y, unit] = values;
    expect(read({}, pHYs(x, y, unit)).density).toEqual(density);
  });

  test.each([1, 3, 6, 8])('has the density of the upright picture, orientation %i', (orientation) => {
    const { density } = read({}, exifChunk(orientation), pHYs(3000, 1500));
    const upright = { x: 3000, y: 1500, unit: 'metre' };
    expect(density).toEqual(orientation < 5 ? upright : { x: 1500, y: 3000, unit: 'metre' });
  });

  test.each([
    ['damaged', () => [damaged(gAMA), damaged(sRGB), damaged(pHYs(3000, 3000))]],
    ['of a wrong length', () => [pngChunk('gAMA', Buffer.alloc(3)), pngChunk('pHYs', Buffer.alloc(8))]],
    ['behind a palette', () => [pngChunk('PLTE', Buffer.alloc(3)), gAMA, sRGB, iCCP(deflateSync(profile))]],
  ])('leaves out chunks that are %s', (_, chunks) => {
    expect(read({}, ...chunks())).toEqual({ colorChunks: [] });
  });

  test('uses the first of two', () => {
    expect(read({}, damaged(pHYs(1, 1)), pHYs(3000, 3000), pHYs(1, 1)).density).toMatchObject({ x: 3000 });
  });

  test.each([1, 4])('keeps a profile that lacks the last %i bytes of its checksum', (bytes) => {
    expect(read({}, iCCP(deflateSync(profile).subarray(0, -bytes))).iccProfile).toEqual(profile);
  });

  test.each([
    ['inflates without end', () => iCCP(deflateSync(Buffer.alloc(64 * 1024 * 1024)))],
    ['is damaged', () => iCCP(deflateSync(profile).subarray(0, -9))],
    ['is for grey', () => iCCP(deflateSync(Buffer.from(profile).fill('GRAY', 16, 20)))],
    ['has no name', () => iCCP(deflateSync(profile), '\0\0')],
    ['has a name of 80 letters', () => iCCP(deflateSync(profile), `${'a'.repeat(80)}\0\0`)],
    ['is compressed in another way', () => iCCP(deflateSync(profile), 'a\0\x01')],
    ['is empty', () => pngChunk('iCCP', Buffer.alloc(0))],
  ])('leaves out a profile that %s', (_, chunk) => {
    expect(read({}, chunk()).iccProfile).toBeUndefined();
  });

  test.each([
    ['a palette image', { colorType: 3, bitDepth: 2, sample: () => 0, palette: [1, 2, 3] }, true],
    ['16 bits', { colorType: 2, bitDepth: 16 }, true],
    ['RGBA', { colorType: 6 }, true],
    ['grey', { colorType: 0 }, false],
    ['grey with alpha', { colorType: 4 }, false],
  ])('keeps a profile for RGB of %s: %s', (_, drawing, isKept) => {
    // drawPng puts a palette before other chunks, but a profile must come first.
    const { palette, ...rest } = drawing as Partial<Drawing>;
    const chunks = [iCCP(deflateSync(profile))];
    if (palette) chunks.push(pngChunk('PLTE', Buffer.from(palette)));
    expect(read(rest, ...chunks).iccProfile !== undefined).toBe(isKept);
  });

  test('is the same after it was written to a PNG, and libpng accepts it', async () => {
    const appearance = read({}, gAMA, cHRM, cICP, iCCP(deflateSync(profile)), pHYs(11_811, 11_811));
    const band = { data: Buffer.alloc(12 * 3, 9), width: 4, height: 3 };
    const size = { width: 4, height: 3, channels: 3 } as const;
    const ancillary = await ancillaryChunks(appearance);
    const file = Buffer.concat(await Array.fromAsync(encodePng(size, [band], { ancillary })));
    expect(readHeader(file).appearance).toEqual(appearance);
    const { icc, density } = await sharp(file, { failOn: 'warning' }).metadata();
    expect(icc).toEqual(profile);
    expect(density).toBe(300);
  });
});
