// The pixel code of every filter. It is loaded together with the first tile, after the worker has claimed it.
import type { Values } from '../../lib/filters/filter.ts';
import type { FilterName } from '../../lib/filters/registry.ts';
import type { Bitmap, Rect } from '../../lib/image/pixels.ts';
import { convolve } from '../convolve/convolve.ts';
import { sharpen } from './sharpen.ts';

/**
 * Returns the pixels of `core` in a new buffer. They must only depend on pixels within the filter's halo;
 * otherwise the tiles would be visible.
 */
type PixelFilter = (source: Bitmap, core: Rect, values: Values) => Bitmap;

export const pixelFilters: Record<FilterName, PixelFilter> = {
  blur: (source, core, { kernel }) => convolve(source, kernel, core),
  sharpen: (source, core, { kernel, amount }) => sharpen(source, kernel, amount, core),
};
