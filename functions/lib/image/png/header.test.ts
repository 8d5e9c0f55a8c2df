import { describe, expect, test } from 'vitest';
import { drawPng, headerChunk, pngChunk, pngSignature } from '../../../testing/drawn-png.ts';
import { channelsOfPng, filteredLength, readPngHeader } from './header.ts';

const rgb = { width: 5, height: 3, colorType: 2, bitDepth: 8, sample: () => 7 };
const palette = { ...rgb, colorType: 3, bitDepth: 2, sample: () => 1, palette: [1, 2, 3, 4, 5, 6] };
const end = pngChunk('IEND', Buffer.alloc(0));
const data = pngChunk('IDAT', Buffer.alloc(10));

/** A PNG of these chunks after its header. */
function pngOf(...chunks: Buffer[]): Buffer {
  return Buffer.concat([pngSignature, headerChunk(rgb), ...chunks]);
}

/** A PNG whose header's data was changed, with a CRC that fits. */
function pngWith(change: (header: Buffer) => void, length = 13): Buffer {
  const header = Buffer.alloc(length);
  headerChunk(rgb).copy(header, 0, 8, 21);
  change(header);
  return Buffer.concat([pngSignature, pngChunk('IHDR', header), data, end]);
}

describe('readPngHeader', () => {
  test.each([
    { colorType: 0, bitDepth: 1, channels: 3 },
    { colorType: 0, bitDepth: 16, transparency: [0, 1], channels: 4 },
    { colorType: 2, bitDepth: 8, channels: 3 },
    { colorType: 2, bitDepth: 16, transparency: [0, 1, 0, 1, 0, 1], channels: 4 },
    { colorType: 3, bitDepth: 4, palette: [1, 2, 3], channels: 3 },
    { colorType: 3, bitDepth: 4, palette: [1, 2, 3], transparency: [9], channels: 4 },
    { colorType: 4, bitDepth: 8, channels: 4 },
    { colorType: 6, bitDepth: 16, channels: 4 },
  ])('knows size and channels of %j', ({ channels, ...kind }) => {
    const header = readPngHeader(drawPng({ width: 9, height: 4, sample: () => 0, ...kind }));
    expect(header).toMatchObject({ width: 9, height: 4, colorType: kind.colorType, bitDepth: kind.bitDepth });
    expect(channelsOfPng(header)).toBe(channels);
  });

  const noteAmid = [pngChunk('IDAT', Buffer.alloc(1)), pngChunk('tEXt', Buffer.alloc(1))];
  test.each([
    ['a signature alone', pngSignature, /cut off/],
    ['no end', pngOf(data), /cut off/],
    ['no image data', pngOf(end), /no image data/],
    ['no header', Buffer.concat([pngSignature, data, end]), /starts with IDAT/],
    ['a length beyond the file', pngOf(Buffer.from('ffffffff49444154', 'hex'), Buffer.alloc(90)), /cut off/],
    ['a header twice', pngOf(headerChunk(rgb), data, end), /IHDR/],
    ['a critical chunk nobody knows', pngOf(pngChunk('ABCD', Buffer.alloc(1)), data, end), /ABCD/],
    ['a name that is none', pngOf(pngChunk('\0\0\0\0', Buffer.alloc(1)), data, end), /\?\?\?\?/],
    ['notes amid image data', pngOf(...noteAmid, data, end), /amid/],
    ['a short header', pngWith(() => {}, 12), /12 bytes/],
    ['a long header', pngWith(() => {}, 14), /14 bytes/],
    ['no width', pngWith((header) => header.writeUInt32BE(0)), /0x3 pixels/],
    ['no height', pngWith((header) => header.writeUInt32BE(0, 4)), /5x0 pixels/],
    ['a negative size', pngWith((header) => header.writeUInt32BE(2 ** 31)), /2147483648x3/],
    ['a bit depth of 3', pngWith((header) => (header[8] = 3)), /bit depth 3/],
    ['RGB with 4 bits', pngWith((header) => (header[8] = 4)), /colour type 2 with bit depth 4/],
    ['colour type 1', pngWith((header) => (header[9] = 1)), /colour type 1/],
    ['an unknown compression', pngWith((header) => (header[10] = 1)), /compression 1/],
    ['an unknown filter method', pngWith((header) => (header[11] = 64)), /filter method 64/],
    ['an unknown interlacing', pngWith((header) => (header[12] = 2)), /interlace method 2/],
    ['no palette', drawPng({ ...palette, palette: undefined }), /no palette/],
    ['an empty palette', drawPng({ ...palette, palette: [] }), /palette of 0 bytes/],
    ['half a colour', drawPng({ ...palette, palette: [1, 2] }), /palette of 2 bytes/],
    [
      'too many colours',
      drawPng({ ...palette, palette: Array(15).fill(1) }),
      /palette of 15 bytes for 2 bits/,
    ],
    ['too many alphas', drawPng({ ...palette, transparency: [1, 2, 3] }), /more alphas/],
    ['half a transparent colour', drawPng({ ...rgb, transparency: [0, 1] }), /2 bytes, not 6/],
    ['alphas twice', drawPng({ ...rgb, colorType: 6, transparency: [0, 1] }), /beside its alphas/],
  ])('refuses %s', (_, png, message) => {
    expect(() => readPngHeader(png)).toThrow(expect.objectContaining({ code: 'invalid-image' }));
    expect(() => readPngHeader(png)).toThrow(message);
  });

  test.each(['IHDR', 'PLTE', 'tRNS', 'IEND'])('refuses a damaged %s', (type) => {
    const png = drawPng({ ...palette, transparency: [5] });
    // The last byte of its CRC: just before the next chunk's length.
    const at = png.indexOf(type);
    png[at + 4 + png.readUInt32BE(at - 4) + 3] ^= 0x80;
    expect(() => readPngHeader(png)).toThrow(`${type} chunk`);
  });

  test('refuses a file that is cut off anywhere', () => {
    const png = drawPng(rgb);
    for (let length = 8; length < png.length; length++) {
      expect(() => readPngHeader(png.subarray(0, length))).toThrow(/cut off/);
    }
  });
});

describe('filteredLength', () => {
  test('counts whole bytes a row and a filter byte', () => {
    expect(filteredLength(readPngHeader(drawPng(rgb)))).toBe(3 * (1 + 15));
    expect(filteredLength(readPngHeader(drawPng(palette)))).toBe(3 * (1 + 2));
  });

  test('leaves out the passes of an interlaced image that are empty', () => {
    // 1x1: the first pass only. 5x3: see the figure of the specification's section 8.2.
    expect(filteredLength(readPngHeader(drawPng({ ...rgb, width: 1, height: 1, interlaced: true })))).toBe(4);
    const passes = [1, 1, 0, 1, 3, 2 * 2, 5].map((pixels) => pixels * 3);
    const rows = [1, 1, 0, 1, 1, 2, 1];
    const wanted = passes.reduce((sum, bytes, i) => sum + bytes + rows[i], 0);
    expect(filteredLength(readPngHeader(drawPng({ ...rgb, interlaced: true })))).toBe(wanted);
  });
});
