import { describe, expect, test } from 'vitest';
import { drawPng, pngChunk } from '../../../testing/drawn-png.ts';
import { channelsOfPng, readPngHeader } from './header.ts';

const rgb = { width: 5, height: 3, colorType: 2, bitDepth: 8, sample: () => 7 };
const note = pngChunk('tEXt', Buffer.alloc(1));

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
  ])('reads size and channels of %j', ({ channels, ...kind }) => {
    const header = readPngHeader(drawPng({ width: 9, height: 4, sample: () => 0, ...kind }));
    expect(header).toMatchObject({ width: 9, height: 4, colorType: kind.colorType, bitDepth: kind.bitDepth });
    expect(channelsOfPng(header)).toBe(channels);
  });

  test('stops at the image data, even if that is cut off', () => {
    const png = drawPng(rgb);
    const { imageDataAt } = readPngHeader(png);
    expect(imageDataAt).toBe(png.indexOf('IDAT') - 4);
    expect(readPngHeader(png.subarray(0, imageDataAt + 8))).toEqual(readPngHeader(png));
  });

  test('refuses a file that is cut off anywhere before its image data', () => {
    const png = drawPng({ ...rgb, colorType: 3, palette: [1, 2, 3], chunksBefore: [note] });
    for (let length = 8; length < readPngHeader(png).imageDataAt + 8; length++) {
      expect(() => readPngHeader(png.subarray(0, length))).toThrow(/cut off/);
    }
  });

  test('refuses to read more than ten thousand chunks', () => {
    expect(() => readPngHeader(drawPng({ ...rgb, chunksBefore: Array(10_000).fill(note) }))).not.toThrow();
    const more = drawPng({ ...rgb, chunksBefore: Array(10_001).fill(note) });
    expect(() => readPngHeader(more)).toThrow(/more than 10000 chunks/);
  });
});
