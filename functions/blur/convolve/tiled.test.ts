import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bitmap, Channels } from '../../lib/image/pixels.ts';
import { coreInSource, coreOf, sourceOf, tileCount, tileGrid } from '../../lib/image/tile-grid.ts';
import { alphaKinds, crop, drawImage, opaqueKinds, type ImageKind } from '../../testing/drawn-image.ts';
import { convolve } from './convolve.ts';

interface Case {
  kind: ImageKind;
  width: number;
  height: number;
  channels: Channels;
  tileSizePx: number;
  kernelSize: number;
}

/** Returns the tiles that, cut out and convolved alone, differ in at least one byte from the whole image's blur. */
function differingTiles(image: Bitmap, tileSizePx: number, kernelSize: number): number[] {
  const whole = convolve(image, kernelSize);
  const grid = tileGrid(image.width, image.height, tileSizePx, (kernelSize - 1) / 2);
  return Array.from({ length: tileCount(grid) }, (_, tile) => tile).filter((tile) => {
    const blurred = convolve(crop(image, sourceOf(grid, tile)), kernelSize, coreInSource(grid, tile));
    return Buffer.compare(blurred.data, crop(whole, coreOf(grid, tile)).data) !== 0;
  });
}

const opaque = fc.record({
  kind: fc.constantFrom(...opaqueKinds),
  channels: fc.constantFrom<Channels>(3, 4),
});
const withAlpha = fc.record({ kind: fc.constantFrom(...alphaKinds), channels: fc.constant<Channels>(4) });
const kernelSize = fc
  .oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 127 }))
  .map((radius) => 2 * radius + 1);

/** Up to five tiles in each direction, so that there are many small tiles but not too many large ones. */
const tiling = fc
  .oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 512 }))
  .chain((tileSizePx) => {
    const side = fc.integer({ min: 1, max: Math.min(5 * tileSizePx, Math.max(300, tileSizePx + 40)) });
    return fc.record({ tileSizePx: fc.constant(tileSizePx), width: side, height: side });
  });

describe('tiles put together', () => {
  test('equal the whole image byte for byte, whatever the image, the tile and the kernel', () => {
    fc.assert(
      fc.property(fc.oneof(opaque, withAlpha), tiling, kernelSize, (image, tiles, size) => {
        const drawn = drawImage(image.kind, tiles.width, tiles.height, image.channels);
        expect(differingTiles(drawn, tiles.tileSizePx, size)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test.each<Case>([
    { kind: 'noise', width: 1, height: 1, channels: 3, tileSizePx: 1, kernelSize: 255 },
    { kind: 'mixed alpha', width: 7, height: 5, channels: 4, tileSizePx: 1, kernelSize: 21 },
    { kind: 'smooth', width: 521, height: 257, channels: 3, tileSizePx: 256, kernelSize: 15 },
    { kind: 'noisy alpha', width: 257, height: 263, channels: 4, tileSizePx: 128, kernelSize: 51 },
    { kind: 'hard alpha edge', width: 150, height: 90, channels: 4, tileSizePx: 32, kernelSize: 21 },
    {
      kind: 'alpha 1 beyond an opaque edge',
      width: 200,
      height: 50,
      channels: 4,
      tileSizePx: 25,
      kernelSize: 63,
    },
    {
      kind: 'a few pixels of alpha 1',
      width: 300,
      height: 280,
      channels: 4,
      tileSizePx: 64,
      kernelSize: 127,
    },
    { kind: 'ties', width: 97, height: 89, channels: 4, tileSizePx: 16, kernelSize: 21 },
    { kind: 'ties of alpha 1', width: 300, height: 120, channels: 4, tileSizePx: 30, kernelSize: 51 },
    { kind: 'noise', width: 600, height: 530, channels: 3, tileSizePx: 512, kernelSize: 255 },
  ])(
    'equal the whole: $kind, $width x $height in tiles of $tileSizePx, kernel $kernelSize',
    ({ kind, width, height, channels, tileSizePx, kernelSize }) => {
      expect(differingTiles(drawImage(kind, width, height, channels), tileSizePx, kernelSize)).toEqual([]);
    },
  );
});
