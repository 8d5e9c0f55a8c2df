import { describe, expect, it } from 'vitest';
import { coreOf, tileGrid } from '../lib/image/tile-grid.ts';
import { channelsOfImage, stitchRow } from './stitch.ts';

const grid = tileGrid(5, 3, 2, 1);
/** A core whose every byte is the number of its tile. */
const core = (tile: number, channels: number) => {
  const { width, height } = coreOf(grid, tile);
  return new Uint8Array(width * height * channels).fill(tile);
};

describe('stitchRow', () => {
  it('puts the cores of a row side by side', () => {
    const band = stitchRow(grid, 0, [core(0, 3), core(1, 3), core(2, 3)], 3);
    const line = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2];
    expect(band).toMatchObject({ width: 5, height: 2 });
    expect([...band.data]).toEqual([...line, ...line]);
  });

  it('cuts the last row at the border of the image', () => {
    expect(stitchRow(grid, 1, [core(3, 3), core(4, 3), core(5, 3)], 3)).toMatchObject({
      width: 5,
      height: 1,
    });
  });

  it('treats an RGB core as opaque in an RGBA image', () => {
    const { data } = stitchRow(grid, 1, [core(3, 4), core(4, 3), core(5, 4)], 4);
    expect([...data]).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 255, 4, 4, 4, 255, 5, 5, 5, 5]);
  });

  it('refuses a core that does not fit its tile', () => {
    expect(() => stitchRow(grid, 0, [core(0, 3), core(1, 3).subarray(1), core(2, 3)], 3)).toThrow(RangeError);
  });
});

describe('channelsOfImage', () => {
  const bytes = (channels: number[]) => channels.map((each, tile) => core(tile, each).length);

  it('is RGB if every core is', () => expect(channelsOfImage(grid, bytes([3, 3, 3, 3, 3, 3]))).toBe(3));
  it('is RGBA if one core is', () => expect(channelsOfImage(grid, bytes([3, 3, 3, 3, 4, 3]))).toBe(4));
});
