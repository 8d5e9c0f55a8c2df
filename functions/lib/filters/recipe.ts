// A recipe says in one short text which filter an image gets and with which values: `15` is a blur with a kernel of 15. An
// image's id, its record and the claims of its tiles hold the recipe, and only this file looks inside.
//
// A blur's recipe does not name its filter. So it is the same text as the kernel size that earlier releases stored, and
// images keep their ids (docs/adr/0015-recipes.md).
import { readValue, type Values } from './filter.ts';
import { DEFAULT_FILTER, filters, findFilter, type FilterName } from './registry.ts';

export interface Recipe {
  filter: FilterName;
  values: Values;
}

export function formatRecipe({ filter, values }: Recipe): string {
  const numbers = Object.keys(filters[filter].parameters).map((name) => values[name]);
  return [...(filter === DEFAULT_FILTER ? [] : [filter]), ...numbers].join(':');
}

/** Returns what a recipe says. Throws an Error for one that this release does not know. */
export function parseRecipe(text: string): Recipe {
  const recipe = readRecipe(text);
  if (recipe === null) throw new Error(`there is no filter for the recipe ${JSON.stringify(text)}`);
  return recipe;
}

/** Returns how far around a pixel a recipe reads. */
export function haloOf({ filter, values }: Recipe): number {
  return filters[filter].haloPx(values);
}

/** Returns the request parameters that ask for a recipe. One that this release does not know is shown as it is. */
export function parametersOf(text: string): Record<string, string | number> {
  const recipe = readRecipe(text);
  if (recipe === null) return { filter: text };
  const { filter, values } = recipe;
  return filter === DEFAULT_FILTER ? values : { filter, ...values };
}

function readRecipe(text: string): Recipe | null {
  const parts = text.split(':');
  const named = findFilter(parts[0]);
  const filter = named ?? DEFAULT_FILTER;
  const given = named === null ? parts : parts.slice(1);
  const parameters = Object.entries(filters[filter].parameters);
  if (given.length !== parameters.length) return null;
  const values: Values = {};
  for (const [at, [name, parameter]] of parameters.entries()) {
    const value = readValue(parameter, given[at]);
    if (value === null) return null;
    values[name] = value;
  }
  return { filter, values };
}
