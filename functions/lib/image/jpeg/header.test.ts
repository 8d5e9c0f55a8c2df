import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { isJpeg, readJpegHeader } from './header.ts';

const [width, height] = [37, 21];
const picture = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * i) % 253));
const source = () => sharp(picture, { raw: { width, height, channels: 3 } });

/** One segment: marker, length, content. */
function segment(marker: number, content: number[]): Buffer {
  return Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255, ...content]);
}

const start = Buffer.from([0xff, 0xd8]);
const end = Buffer.from([0xff, 0xd9]);
const scan = Buffer.concat([
  segment(0xda, [1, 1, 0, 0, 63, 0]),
  Buffer.from([1, 2, 0xff, 0, 3, 0xff, 0xd0, 4]),
]);
const frame = (marker = 0xc0, content = [8, 0, height, 0, width, 1, 1, 0x11, 0]): Buffer =>
  segment(marker, content);

describe('readJpegHeader', () => {
  let jpeg: Buffer;
  beforeAll(async () => {
    jpeg = await source().jpeg().toBuffer();
  });

  test.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
    ['full chroma', { chromaSubsampling: '4:4:4' }],
    ['optimised', { mozjpeg: true }],
  ])('reads a %s file', async (_, options) => {
    expect(readJpegHeader(await source().jpeg(options).toBuffer())).toEqual({
      width,
      height,
      orientation: 1,
    });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'gives the size after turning by orientation %i',
    async (orientation) => {
      const turned = await source().withMetadata({ orientation }).jpeg().toBuffer();
      const size = orientation < 5 ? { width, height } : { width: height, height: width };
      expect(readJpegHeader(turned)).toEqual({ ...size, orientation });
    },
  );

  test('passes over fill bytes, restart markers, stuffed zeros and what follows the end', () => {
    const fill = Buffer.from([0xff, 0xff, 0xff]);
    const trailing = Buffer.from('trailing');
    const file = Buffer.concat([
      start,
      fill,
      segment(0xe0, [1, 2]),
      fill,
      frame(),
      scan,
      scan,
      end,
      trailing,
    ]);
    expect(readJpegHeader(file)).toEqual({ width, height, orientation: 1 });
  });

  test('refuses a file that is cut off anywhere, be there a thumbnail in it', async () => {
    const thumbnail = segment(0xe1, [...(await source().resize(8).jpeg().toBuffer())]);
    const file = Buffer.concat([jpeg.subarray(0, 2), thumbnail, jpeg.subarray(2)]);
    expect(readJpegHeader(file)).toMatchObject({ width, height });
    for (let length = 2; length < file.length; length++) {
      expect(() => readJpegHeader(file.subarray(0, length))).toThrow(/cut off/);
    }
  });

  test.each([
    ['no frame', [scan], 'invalid-image', /scan before its frame/],
    ['nothing', [], 'invalid-image', /no picture/],
    ['no scan', [frame()], 'invalid-image', /no picture/],
    ['two frames', [frame(), frame(), scan], 'invalid-image', /two frames/],
    ['no height', [frame(0xc0, [8, 0, 0, 0, 5, 1, 1, 0x11, 0]), scan], 'invalid-image', /5x0/],
    ['no width', [frame(0xc0, [8, 0, 5, 0, 0, 1, 1, 0x11, 0]), scan], 'invalid-image', /0x5/],
    ['a short frame', [frame(0xc0, [8, 0, 5]), scan], 'invalid-image', /too short/],
    ['two components', [frame(0xc0, [8, 0, 5, 0, 5, 2]), scan], 'invalid-image', /2 colour components/],
    [
      'a segment of length 1',
      [Buffer.from([0xff, 0xe0, 0, 1]), frame(), scan],
      'invalid-image',
      /impossible/,
    ],
    [
      'scans without end',
      [frame(), ...Array<Buffer>(101).fill(scan)],
      'invalid-image',
      /more than 100 scans/,
    ],
    ['CMYK', [frame(0xc0, [8, 0, 5, 0, 5, 4]), scan], 'unsupported-image', /CMYK/],
    ['12 bits', [frame(0xc1, [12, 0, 5, 0, 5, 3]), scan], 'unsupported-image', /12 bits/],
    ['lossless', [frame(0xc3), scan], 'unsupported-image', /frame type 3/],
    ['arithmetic coding', [frame(0xc9), scan], 'unsupported-image', /frame type 9/],
  ])('refuses %s', (_, parts, code, message) => {
    const file = Buffer.concat([start, ...parts, end]);
    expect(() => readJpegHeader(file)).toThrow(expect.objectContaining({ code }));
    expect(() => readJpegHeader(file)).toThrow(message);
  });
});

describe('isJpeg', () => {
  test('goes by the first bytes', () => {
    expect(isJpeg(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe(true);
    expect(isJpeg(Buffer.from([0xff, 0xd8]))).toBe(false);
    expect(isJpeg(Buffer.from('GIF89a'))).toBe(false);
  });
});
