// All filters, by the names that requests use.
import { blur } from './blur.ts';
import type { Filter } from './filter.ts';
import { sharpen } from './sharpen.ts';

export const filters = { blur, sharpen } satisfies Record<string, Filter>;

export type FilterName = keyof typeof filters;

/** What an image gets when its request names no filter. */
export const DEFAULT_FILTER: FilterName = 'blur';

export const filterNames = Object.keys(filters) as FilterName[];

/** Returns the name of the filter that a request calls `given`, or null if there is none. */
export function findFilter(given: unknown): FilterName | null {
  return filterNames.find((name) => name === given) ?? null;
}
