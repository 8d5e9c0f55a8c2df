import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { Problem } from '../errors.ts';
import { decodeBands, readHeader } from './read.ts';
import { displayP3 } from '../../testing/icc-profiles.ts';
import { jpegWithProfile } from '../../testing/jpeg-segments.ts';
import { drawPng, headerChunk, pngChunk, pngSignature } from '../../testing/drawn-png.ts';

const limits = { maxPixels: 100_000 };
const decodeLimits = { timeoutMs: 60_000, memoryBytes: 16 * 1024 * 1024, scanPixels: 1e9 };
const sample = (x: number, y: number, s: number): number => (x * 31 + y * 17 + s * x * y) % 256;
const size = { width: 33, height: 21 };
const rgb = drawPng({ ...size, colorType: 2, bitDepth: 8, sample, filter: (y) => y % 5, idatSizes: [300] });
const rgba = drawPng({ ...size, colorType: 6, bitDepth: 8, sample });

async function toJpeg(options = {}): Promise<Buffer> {
  return sharp(rgb).jpeg(options).toBuffer();
}

async function decode(bytes: Uint8Array): Promise<Buffer> {
  const header = readHeader(bytes, limits);
  let rows = 0;
  const parts: Uint8Array[] = [];
  for await (const band of decodeBands(bytes, header, decodeLimits)) {
    expect(band.width).toBe(header.width);
    expect(band.data).toHaveLength(band.width * band.height * header.channels);
    rows += band.height;
    parts.push(band.data);
  }
  expect(rows).toBe(header.height);
  return Buffer.concat(parts);
}

describe('readHeader', () => {
  test('recognises PNG and JPEG by their bytes', async () => {
    expect(readHeader(rgb, limits)).toMatchObject({ format: 'png', ...size, channels: 3 });
    expect(readHeader(rgba, limits)).toMatchObject({ format: 'png', ...size, channels: 4 });
    expect(readHeader(await toJpeg(), limits)).toMatchObject({ format: 'jpeg', ...size, channels: 3 });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['a GIF', Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1')],
    ['half a PNG signature', pngSignature.subarray(0, 4)],
  ])('refuses %s', (_, bytes) => {
    expect(() => readHeader(bytes, limits)).toThrow(expect.objectContaining({ code: 'unsupported-image' }));
  });

  test('refuses more pixels than the limit, whatever the file contains', async () => {
    expect(() => readHeader(rgb, { maxPixels: 33 * 21 })).not.toThrow();
    const tooLarge = expect.objectContaining({ code: 'image-too-large' });
    expect(() => readHeader(rgb, { maxPixels: 33 * 21 - 1 })).toThrow(tooLarge);
    const huge = { width: 2 ** 31 - 1, height: 2 ** 31 - 1, colorType: 6, bitDepth: 16 };
    const data = [pngChunk('IDAT', Buffer.alloc(9)), pngChunk('IEND', Buffer.alloc(0))];
    expect(() => readHeader(Buffer.concat([pngSignature, headerChunk(huge), ...data]), limits)).toThrow(
      tooLarge,
    );
    const jpeg = await toJpeg();
    jpeg.fill(0xff, jpeg.indexOf('ffc0', 0, 'hex') + 5, jpeg.indexOf('ffc0', 0, 'hex') + 9);
    expect(() => readHeader(jpeg, limits)).toThrow(tooLarge);
  });

  test('refuses a side longer than the limit, width or height', async () => {
    const tooLarge = expect.objectContaining({
      code: 'image-too-large',
      message: expect.stringContaining('no side'),
    });
    expect(() => readHeader(rgb, { maxSidePx: 33 })).not.toThrow();
    expect(() => readHeader(rgb, { maxSidePx: 32 })).toThrow(tooLarge);
    const upright = drawPng({ ...size, width: 5, height: 33, colorType: 2, bitDepth: 8, sample });
    expect(() => readHeader(upright, { maxSidePx: 33 })).not.toThrow();
    expect(() => readHeader(upright, { maxSidePx: 32 })).toThrow(tooLarge);
  });

  describe('of a JPEG', () => {
    test('returns its profile and its density, upright', async () => {
      const file = await sharp(rgb)
        .withMetadata({ density: 300, orientation: 6 })
        .withIccProfile('p3')
        .jpeg()
        .toBuffer();
      const { icc } = await sharp(file).metadata();
      const { appearance } = readHeader(file);
      expect(appearance).toEqual({ iccProfile: icc, density: { x: 11_811, y: 11_811, unit: 'metre' } });
    });

    test('leaves out a profile that does not fit RGB pixels', async () => {
      const grey = await sharp(rgb).toColourspace('b-w').jpeg().toBuffer();
      const ofRgb = jpegWithProfile(grey, await displayP3());
      expect((await sharp(ofRgb).metadata()).icc).toBeDefined();
      expect(readHeader(ofRgb).appearance.iccProfile).toBeUndefined();
      const ofGrey = jpegWithProfile(await toJpeg(), Buffer.from(await displayP3()).fill('GRAY', 16, 20));
      expect(readHeader(ofGrey).appearance.iccProfile).toBeUndefined();
    });
  });

  test('counts the pixels of a turned JPEG', async () => {
    const turned = await sharp(rgb).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(readHeader(turned, limits)).toMatchObject({
      format: 'jpeg',
      width: 21,
      height: 33,
      channels: 3,
      orientation: 6,
    });
    expect(await decode(turned)).toHaveLength(21 * 33 * 3);
  });
});

/** Damage as it happens in transfers, on disks, or on purpose, at a place relative to the length. */
interface Damage {
  kind: 'flip' | 'cut' | 'drop' | 'repeat' | 'overwrite';
  place: number;
  length: number;
}

const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'cut', 'drop', 'repeat', 'overwrite'),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 1, maxLength: 3 },
);

function doDamage(bytes: Buffer, { kind, place, length }: Damage): Buffer {
  const at = Math.floor(place * bytes.length);
  const end = Math.min(at + length, bytes.length);
  const [before, hit, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const flipped = hit.map((byte, i) => (i === 0 ? byte ^ (1 << (length % 8)) : byte));
  const results = {
    cut: [before],
    drop: [before, after],
    repeat: [before, hit, hit, after],
    overwrite: [before, Buffer.alloc(hit.length, 0xff), after],
    flip: [before, flipped, after],
  };
  return Buffer.concat(results[kind]);
}

/** Corrects the CRCs of all chunks, so that they do not reveal the damage. */
function repairCrcs(png: Buffer): Buffer {
  const repaired = Buffer.from(png);
  for (let at = 8; at + 12 <= repaired.length;) {
    const end = at + 8 + repaired.readUInt32BE(at);
    if (end + 4 > repaired.length) break;
    repaired.writeUInt32BE(crc32(repaired.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return repaired;
}

/** Returns the pixels, or null if a Problem says why there are none. Any other error fails the test. */
async function decodeOrRefuse(bytes: Buffer): Promise<Buffer | null> {
  try {
    return await decode(bytes);
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

describe('decodeBands', () => {
  const drawings = [
    rgb,
    rgba,
    drawPng({ ...size, colorType: 2, bitDepth: 8, sample, interlaced: true }),
    drawPng({ ...size, colorType: 3, bitDepth: 4, sample: (x) => x % 5, palette: Array(15).fill(9) }),
    drawPng({ ...size, colorType: 4, bitDepth: 16, sample }),
  ];
  let jpegs: Buffer[] = [];
  beforeAll(async () => {
    jpegs = [await toJpeg(), await toJpeg({ progressive: true })];
  });

  test('returns the right pixels of a damaged PNG, or a Problem', { timeout: 60_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...drawings), damages, async (png, hits) => {
        const pixels = await decodeOrRefuse(hits.reduce(doDamage, png));
        if (pixels === null) refused++;
        return pixels === null || pixels.equals(await decode(png));
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  const whole = 'returns whole bands or a Problem';

  test(`${whole} when the CRCs do not reveal the damage`, { timeout: 60_000 }, async () => {
    const property = fc.asyncProperty(fc.constantFrom(...drawings), damages, async (png, hits) => {
      await decodeOrRefuse(repairCrcs(hits.reduce(doDamage, png)));
    });
    await expect(fc.assert(property, { numRuns: 1500 })).resolves.toBeUndefined();
  });

  test(`${whole} of a damaged JPEG`, { timeout: 60_000 }, async () => {
    let refused = 0;
    const property = fc.asyncProperty(fc.nat(1), damages, async (which, hits) => {
      if ((await decodeOrRefuse(hits.reduce(doDamage, jpegs[which]))) === null) refused++;
    });
    await expect(fc.assert(property, { numRuns: 400 })).resolves.toBeUndefined();
    expect(refused).toBeGreaterThan(50);
  });

  test(`${whole} for any bytes after a signature`, { timeout: 60_000 }, async () => {
    const signatures = fc.constantFrom(pngSignature, Buffer.from([0xff, 0xd8, 0xff]));
    const property = fc.asyncProperty(
      signatures,
      fc.uint8Array({ maxLength: 300 }),
      async (signature, rest) => {
        await decodeOrRefuse(Buffer.concat([signature, rest]));
      },
    );
    await expect(fc.assert(property, { numRuns: 500 })).resolves.toBeUndefined();
  });
});
