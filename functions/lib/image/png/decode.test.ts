import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Bitmap } from '../pixels.ts';
import { decodePng } from './decode.ts';
import { type Drawing, drawPng, exifChunk, pngChunk } from '../../../testing/drawn-png.ts';

/** Colour types and the bit depths that each can have. */
const kinds = Object.entries({
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}).flatMap(([colorType, bitDepths]) =>
  bitDepths.map((bitDepth) => ({ colorType: Number(colorType), bitDepth })),
);

const sizes = [
  [1, 1],
  [1, 9],
  [9, 1],
  [3, 2],
  [8, 8],
  [13, 17],
  [31, 5],
];

async function readAll(png: Uint8Array): Promise<{ bands: Bitmap[]; data: Buffer }> {
  const bands = await Array.fromAsync(decodePng(png));
  return { bands, data: Buffer.concat(bands.map((band) => band.data)) };
}

/** Samples that use the whole range, with repetitions. */
function drawSample(bitDepth: number): Drawing['sample'] {
  return (x, y, s) => ((x * 7919 + y * 104_729 + s * 31 + x * y) * (s + 3)) % 2 ** bitDepth;
}

/** Returns the pixel by the specification: red, green, blue and, if the image can be transparent, alpha. */
function pixelOf(drawing: Drawing, x: number, y: number): number[] {
  const { colorType, bitDepth, palette = [], transparency } = drawing;
  const sample = (s: number): number => drawing.sample(x, y, s);
  const toByte = (value: number): number => Math.round((value * 255) / (2 ** bitDepth - 1));
  const isClear = (...samples: number[]): boolean =>
    samples.every((value, i) => value === transparency![2 * i] * 256 + transparency![2 * i + 1]);
  switch (colorType) {
    case 0: {
      const grey = toByte(sample(0));
      return transparency ? [grey, grey, grey, isClear(sample(0)) ? 0 : 255] : [grey, grey, grey];
    }
    case 2: {
      const samples = [sample(0), sample(1), sample(2)];
      return transparency ? [...samples.map(toByte), isClear(...samples) ? 0 : 255] : samples.map(toByte);
    }
    case 3: {
      const index = sample(0);
      const color = palette.slice(3 * index, 3 * index + 3);
      return transparency ? [...color, transparency[index] ?? 255] : color;
    }
    case 4:
      return [sample(0), sample(0), sample(0), sample(1)].map(toByte);
    default:
      return [sample(0), sample(1), sample(2), sample(3)].map(toByte);
  }
}

function pixelsOf(drawing: Drawing): Buffer {
  const pixels: number[] = [];
  for (let y = 0; y < drawing.height; y++) {
    for (let x = 0; x < drawing.width; x++) pixels.push(...pixelOf(drawing, x, y));
  }
  return Buffer.from(pixels);
}

/** Returns the largest difference to libpng's pixels; colours under alpha 0 do not count. */
async function differenceToSharp(png: Buffer, data: Buffer, channels: number): Promise<number> {
  const image = sharp(png).toColourspace('srgb');
  const theirs = await (channels === 4 ? image.ensureAlpha() : image.removeAlpha()).raw().toBuffer();
  expect(data).toHaveLength(theirs.length);
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const alphaAt = channels === 4 ? i - (i % 4) + 3 : i;
    if (channels === 4 && i !== alphaAt && theirs[alphaAt] === 0 && data[alphaAt] === 0) continue;
    largest = Math.max(largest, Math.abs(theirs[i] - data[i]));
  }
  return largest;
}

function paletteOf(bitDepth: number): number[] {
  return Array.from({ length: 3 * 2 ** bitDepth }, (_, i) => (i * 37) % 256);
}

describe('decodePng', { timeout: 60_000 }, () => {
  describe.each(kinds)('of colour type $colorType with $bitDepth bits', ({ colorType, bitDepth }) => {
    const base = {
      colorType,
      bitDepth,
      sample: drawSample(bitDepth),
      ...(colorType === 3 ? { palette: paletteOf(bitDepth) } : {}),
    };

    test.each([false, true])(
      'gives the drawn pixels for all filters and sizes, interlaced: %s',
      async (interlaced) => {
        for (const [width, height] of sizes) {
          for (const filter of [0, 1, 2, 3, 4, undefined]) {
            const drawing = {
              ...base,
              width,
              height,
              interlaced,
              filter: (y: number) => filter ?? (y * 3) % 5,
            };
            const { data } = await readAll(drawPng(drawing));
            expect(data).toEqual(pixelsOf(drawing));
          }
        }
      },
    );

    test('agrees with libpng', async () => {
      const drawing = { ...base, width: 29, height: 23, filter: (y: number) => y % 5 };
      const png = drawPng(drawing);
      const { data } = await readAll(png);
      // libpng truncates 16-bit samples where the specification requires rounding.
      const allowed = bitDepth === 16 ? 1 : 0;
      expect(await differenceToSharp(png, data, data.length / (29 * 23))).toBeLessThanOrEqual(allowed);
    });
  });

  test.each([
    { colorType: 0, bitDepth: 2, transparency: [0, 2] },
    { colorType: 0, bitDepth: 8, transparency: [0, 77] },
    { colorType: 0, bitDepth: 16, transparency: [0, 7] },
    { colorType: 2, bitDepth: 8, transparency: [0, 10, 0, 20, 0, 30] },
    { colorType: 2, bitDepth: 16, transparency: [1, 2, 3, 4, 5, 6] },
    { colorType: 3, bitDepth: 2, transparency: [0, 100] },
    { colorType: 3, bitDepth: 8, transparency: Array.from({ length: 256 }, (_, i) => 255 - i) },
  ])(
    'makes colours transparent: type $colorType, $bitDepth bits',
    async ({ colorType, bitDepth, transparency }) => {
      const sample: Drawing['sample'] = (x, y, s) => {
        const isClear = colorType !== 3 && (x + y) % 3 === 0;
        return isClear ? transparency[2 * s] * 256 + transparency[2 * s + 1] : drawSample(bitDepth)(x, y, s);
      };
      const palette = colorType === 3 ? { palette: paletteOf(bitDepth) } : {};
      const drawing = { width: 17, height: 11, colorType, bitDepth, sample, transparency, ...palette };
      const png = drawPng(drawing);
      const { data } = await readAll(png);
      expect(data).toEqual(pixelsOf(drawing));
      expect(data.filter((_, i) => i % 4 === 3)).toContain(0);
      expect(await differenceToSharp(png, data, 4)).toBeLessThanOrEqual(bitDepth === 16 ? 1 : 0);
    },
  );

  test.each([[[1]], [[0, 3, 0, 0]], [[1, 2, 3, 1000]], [[8192]]])(
    'accepts image data cut into chunks of %j bytes',
    async (idatSizes) => {
      const drawing = { width: 61, height: 40, colorType: 2, bitDepth: 8, sample: drawSample(8), idatSizes };
      expect((await readAll(drawPng(drawing))).data).toEqual(pixelsOf(drawing));
    },
  );

  test('skips notes, even damaged ones, and bytes after the end', async () => {
    const drawing = { width: 5, height: 4, colorType: 6, bitDepth: 8, sample: drawSample(8) };
    const damaged = pngChunk('gAMA', Buffer.from([0, 0, 177, 143]));
    damaged[10] ^= 1;
    const chunksBefore = [
      pngChunk('tEXt', Buffer.from('Title\0x')),
      pngChunk('zzZz', Buffer.alloc(0)),
      damaged,
    ];
    for (const interlaced of [false, true]) {
      const png = Buffer.concat([
        drawPng({ ...drawing, interlaced, chunksBefore }),
        Buffer.from('trailing bytes'),
      ]);
      expect((await readAll(png)).data).toEqual(pixelsOf(drawing));
    }
  });

  describe.each([2, 3, 4, 5, 6, 7, 8])('with EXIF orientation %i', (orientation) => {
    test.each([false, true])('returns the picture upright, interlaced: %s', async (interlaced) => {
      for (const colorType of [2, 6]) {
        const sample = drawSample(8);
        const drawing = { width: 401, height: 203, colorType, bitDepth: 8, sample, interlaced };
        const png = drawPng({ ...drawing, chunksBefore: [exifChunk(orientation)] });
        const upright = await sharp(png).autoOrient().raw().toBuffer({ resolveWithObject: true });
        const { bands, data } = await readAll(png);
        expect(bands[0].width).toBe(upright.info.width);
        expect(data.equals(upright.data)).toBe(true);
      }
    });
  });

  test('ignores EXIF notes that are damaged or after the image data', async () => {
    const drawing = { width: 7, height: 4, colorType: 2, bitDepth: 8, sample: drawSample(8) };
    const damaged = exifChunk(6);
    damaged[damaged.length - 1] ^= 1;
    const sound = drawPng(drawing);
    const behind = Buffer.concat([sound.subarray(0, -12), exifChunk(6), sound.subarray(-12)]);
    for (const png of [drawPng({ ...drawing, chunksBefore: [damaged] }), behind]) {
      const { bands, data } = await readAll(png);
      expect(bands[0].width).toBe(7);
      expect(data).toEqual(pixelsOf(drawing));
    }
  });

  test.each([false, true])('lets other work run after each band, interlaced: %s', async (progressive) => {
    const png = await sharp({ create: { width: 1000, height: 1000, channels: 3, background: '#123456' } })
      .png({ progressive })
      .toBuffer();
    let turns = 0;
    let isDone = false;
    const countTurns = () => {
      turns++;
      if (!isDone) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    const { bands } = await readAll(png);
    isDone = true;
    expect(bands.length).toBeGreaterThan(40);
    expect(turns).toBeGreaterThan(bands.length);
  });

  test('returns bands of at most a quarter of a megabyte, each in its own buffer', async () => {
    const [width, height] = [1201, 1500];
    const data = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * i) % 251));
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1, adaptiveFiltering: true })
      .toBuffer();
    const copies: Uint8Array[] = [];
    for await (const band of decodePng(png)) {
      expect(band.width).toBe(width);
      expect(band.data).toHaveLength(band.width * band.height * 3);
      expect(band.data.length).toBeLessThanOrEqual(256 * 1024);
      // The consumer may transfer the buffer, so the next band must not need it.
      copies.push(
        new Uint8Array(structuredClone(band.data.buffer, { transfer: [band.data.buffer as ArrayBuffer] })),
      );
    }
    expect(copies.length).toBeGreaterThan(20);
    expect(Buffer.concat(copies).equals(data)).toBe(true);
  });
});
