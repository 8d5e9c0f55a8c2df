import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, coreInSource, coreOf, rowsOf, sourceOf, tileCount, tileGrid } from './tile-grid.ts';

const grids = fc
  .record({
    width: fc.integer({ min: 1, max: 900 }),
    height: fc.integer({ min: 1, max: 900 }),
    tileSizePx: fc.integer({ min: 1, max: 512 }),
    haloPx: fc.integer({ min: 0, max: 127 }),
  })
  .filter((grid) => tileCount(grid) <= 2000);

describe('the tile grid', () => {
  it('cuts 1792x1280 pixels into 7 by 5 tiles of 256', () => {
    const grid = tileGrid(1792, 1280, 256, 7);
    expect([columnsOf(grid), rowsOf(grid), tileCount(grid)]).toEqual([7, 5, 35]);
  });

  it('gives a tile in the corner a halo only on its inner sides', () => {
    const grid = tileGrid(600, 600, 256, 7);
    expect(sourceOf(grid, 0)).toEqual({ x: 0, y: 0, width: 263, height: 263 });
    expect(coreInSource(grid, 0)).toEqual({ x: 0, y: 0, width: 256, height: 256 });
    expect(sourceOf(grid, 4)).toEqual({ x: 249, y: 249, width: 270, height: 270 });
    expect(coreInSource(grid, 4)).toEqual({ x: 7, y: 7, width: 256, height: 256 });
  });

  it('covers every pixel exactly once', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        const covered = new Uint8Array(grid.width * grid.height);
        for (let tile = 0; tile < tileCount(grid); tile++) {
          const core = coreOf(grid, tile);
          for (let y = core.y; y < core.y + core.height; y++) {
            for (let x = core.x; x < core.x + core.width; x++) covered[y * grid.width + x]++;
          }
        }
        return covered.every((times) => times === 1);
      }),
      { numRuns: 50 },
    );
  });

  it('gives every core its whole halo, except outside the image', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        for (let tile = 0; tile < tileCount(grid); tile++) {
          const core = coreOf(grid, tile);
          const source = sourceOf(grid, tile);
          expect(source.x).toBe(Math.max(0, core.x - grid.haloPx));
          expect(source.y).toBe(Math.max(0, core.y - grid.haloPx));
          expect(source.x + source.width).toBe(Math.min(grid.width, core.x + core.width + grid.haloPx));
          expect(source.y + source.height).toBe(Math.min(grid.height, core.y + core.height + grid.haloPx));
        }
      }),
      { numRuns: 50 },
    );
  });
});
