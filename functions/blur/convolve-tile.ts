// The work on the pixels of one tile, in the main thread or in a thread of the pool.
import type { Recipe } from '../lib/filters/recipe.ts';
import { freeBytes, type Bitmap, type Rect } from '../lib/image/pixels.ts';
import { pixelFilters } from './filters/pixel-filters.ts';

export interface ConvolveTask {
  source: Bitmap;
  recipe: Recipe;
  core: Rect;
}

/** Returns the finished core and frees the source's memory. */
export function convolveTile({ source, recipe, core }: ConvolveTask): Uint8Array {
  const { data } = pixelFilters[recipe.filter](source, core, recipe.values);
  freeBytes(source.data);
  return data;
}
