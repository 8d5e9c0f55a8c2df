import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bitmap } from '../lib/image/pixels.ts';
import { sourceOf, tileCount, tileGrid } from '../lib/image/tile-grid.ts';
import { cutTiles, type SourceTile } from './cut.ts';
import { crop } from '../testing/drawn-image.ts';

/** An image whose pixels encode their position; alpha is 255 except where `isClear` says otherwise. */
function image(
  width: number,
  height: number,
  channels: 3 | 4,
  isClear = (_x: number, _y: number) => false,
): Bitmap {
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([x & 255, y & 255, (x >> 8) | ((y >> 8) << 4)], (y * width + x) * channels);
      if (channels === 4) data[(y * width + x) * 4 + 3] = isClear(x, y) ? 7 : 255;
    }
  }
  return { data, width, height };
}

async function* inBands(bitmap: Bitmap, heights: number[]): AsyncGenerator<Bitmap> {
  const lineBytes = bitmap.data.length / bitmap.height;
  for (let y = 0, at = 0; y < bitmap.height; at++) {
    const height = Math.min(heights[at % heights.length], bitmap.height - y);
    yield { data: bitmap.data.slice(y * lineBytes, (y + height) * lineBytes), width: bitmap.width, height };
    y += height;
  }
}

async function collect(tiles: AsyncIterable<SourceTile>): Promise<SourceTile[]> {
  const all: SourceTile[] = [];
  for await (const tile of tiles) all.push(tile);
  return all;
}

describe('cutTiles', () => {
  it('cuts every tile with its halo, whatever the bands', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 7, max: 64 }),
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        async (width, height, tileSizePx, radius, heights) => {
          const bitmap = image(width, height, 3);
          const grid = tileGrid(width, height, tileSizePx, radius);
          const tiles = await collect(cutTiles(inBands(bitmap, heights), grid, () => true));
          expect(tiles.map(({ tile }) => tile)).toEqual(
            Array.from({ length: tileCount(grid) }, (_, tile) => tile),
          );
          for (const { tile, source } of tiles) {
            expect(Buffer.compare(source, crop(bitmap, sourceOf(grid, tile)).data)).toBe(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('leaves out tiles that are not wanted', async () => {
    const grid = tileGrid(100, 100, 25, 1);
    const tiles = await collect(cutTiles(inBands(image(100, 100, 3), [10]), grid, (tile) => tile % 5 === 0));
    expect(tiles.map(({ tile }) => tile)).toEqual([0, 5, 10, 15]);
  });

  it('drops the alpha of opaque tiles, and keeps it if a single pixel is not opaque', async () => {
    const grid = tileGrid(40, 20, 20, 0);
    const bitmap = image(40, 20, 4, (x, y) => x === 39 && y === 19);
    const [opaque, soft] = await collect(cutTiles(inBands(bitmap, [20]), grid, () => true));
    expect(opaque.source.length).toBe(20 * 20 * 3);
    expect([...opaque.source.subarray(0, 6)]).toEqual([0, 0, 0, 1, 0, 0]);
    expect(Buffer.compare(soft.source, crop(bitmap, sourceOf(grid, 1)).data)).toBe(0);
  });

  it('yields a row of tiles before the rows below it are decoded', async () => {
    let decodedRows = 0;
    async function* slowly(): AsyncGenerator<Bitmap> {
      for await (const band of inBands(image(64, 1000, 3), [10])) {
        decodedRows += band.height;
        yield band;
      }
    }
    const grid = tileGrid(64, 1000, 64, 7);
    for await (const { tile } of cutTiles(slowly(), grid, () => true)) {
      const { y, height } = sourceOf(grid, tile);
      expect(decodedRows).toBeLessThan(y + height + 10);
    }
    expect(decodedRows).toBe(1000);
  });

  it('ends without incomplete tiles if the bands end early', async () => {
    const grid = tileGrid(64, 128, 64, 1);
    const tiles = await collect(cutTiles(inBands(image(64, 70, 3), [70]), grid, () => true));
    expect(tiles.map(({ tile }) => tile)).toEqual([0]);
  });
});
