import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Parameter } from '../../lib/filters/filter.ts';
import { haloOf, type Recipe } from '../../lib/filters/recipe.ts';
import { filterNames, filters } from '../../lib/filters/registry.ts';
import type { Bitmap, Channels } from '../../lib/image/pixels.ts';
import { coreInSource, coreOf, sourceOf, tileCount, tileGrid } from '../../lib/image/tile-grid.ts';
import { alphaKinds, crop, drawImage, opaqueKinds } from '../../testing/drawn-image.ts';
import { pixelFilters } from './pixel-filters.ts';

/** Returns the tiles that, cut out and filtered alone, differ in at least one byte from the whole filtered image. */
function differingTiles(image: Bitmap, tileSizePx: number, recipe: Recipe): number[] {
  const { width, height } = image;
  const filter = pixelFilters[recipe.filter];
  const whole = filter(image, { x: 0, y: 0, width, height }, recipe.values);
  const grid = tileGrid(width, height, tileSizePx, haloOf(recipe));
  return Array.from({ length: tileCount(grid) }, (_, tile) => tile).filter((tile) => {
    const core = filter(crop(image, sourceOf(grid, tile)), coreInSource(grid, tile), recipe.values);
    return Buffer.compare(core.data, crop(whole, coreOf(grid, tile)).data) !== 0;
  });
}

const images = fc.oneof(
  fc.record({ kind: fc.constantFrom(...opaqueKinds), channels: fc.constantFrom<Channels>(3, 4) }),
  fc.record({ kind: fc.constantFrom(...alphaKinds), channels: fc.constant<Channels>(4) }),
);

/** Up to four tiles in each direction, of any size. */
const tilings = fc.integer({ min: 1, max: 90 }).chain((tileSizePx) => {
  const side = fc.integer({ min: 1, max: 4 * tileSizePx });
  return fc.record({ tileSizePx: fc.constant(tileSizePx), width: side, height: side });
});

const numbers = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.integer({ min: 0, max: 1000 }).map((hundredths) => hundredths / 100),
);
const valueOf = ({ isAllowed }: Parameter) => numbers.filter(isAllowed);

describe.each(filterNames)('tiles of the filter %s put together', (filter) => {
  const { parameters } = filters[filter];
  const values = fc.record(
    Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, valueOf(parameter)])),
  );

  test('equal the whole image byte for byte, whatever the image, the tile and the values', () => {
    fc.assert(
      fc.property(images, tilings, values, ({ kind, channels }, { tileSizePx, width, height }, values) => {
        const image = drawImage(kind, width, height, channels);
        expect(differingTiles(image, tileSizePx, { filter, values })).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
