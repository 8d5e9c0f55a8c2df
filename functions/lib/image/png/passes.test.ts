import { describe, expect, test } from 'vitest';
import { drawPng } from '../../../testing/drawn-png.ts';
import { readPngHeader } from './header.ts';
import { filteredLength } from './passes.ts';

const rgb = { width: 5, height: 3, colorType: 2, bitDepth: 8, sample: () => 7 };
const palette = { ...rgb, colorType: 3, bitDepth: 2, sample: () => 1, palette: [1, 2, 3, 4, 5, 6] };

describe('filteredLength', () => {
  test('counts whole bytes per row and a filter byte', () => {
    expect(filteredLength(readPngHeader(drawPng(rgb)))).toBe(3 * (1 + 15));
    expect(filteredLength(readPngHeader(drawPng(palette)))).toBe(3 * (1 + 2));
  });

  test('leaves out the passes of an interlaced image that are empty', () => {
    // 1x1: only the first pass. 5x3: see the figure in section 8.2 of the specification.
    expect(filteredLength(readPngHeader(drawPng({ ...rgb, width: 1, height: 1, interlaced: true })))).toBe(4);
    const passes = [1, 1, 0, 1, 3, 2 * 2, 5].map((pixels) => pixels * 3);
    const rows = [1, 1, 0, 1, 1, 2, 1];
    const wanted = passes.reduce((sum, bytes, i) => sum + bytes + rows[i], 0);
    expect(filteredLength(readPngHeader(drawPng({ ...rgb, interlaced: true })))).toBe(wanted);
  });
});
