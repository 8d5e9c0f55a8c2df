// The options of `npm start` for the filter: `--filter`, and one for each parameter of any filter.
import type { Values } from '../functions/lib/filters/filter.ts';
import type { Recipe } from '../functions/lib/filters/recipe.ts';
import { DEFAULT_FILTER, filterNames, filters } from '../functions/lib/filters/registry.ts';
import { oneOf, parameterValue, UsageError } from '../scripts/lib/options.ts';

const parameterNames = [...new Set(filterNames.flatMap((filter) => Object.keys(filters[filter].parameters)))];

/** Parameters that people set often. */
const SHORT: Partial<Record<string, string>> = { kernel: 'k' };

/** Parameters whose default is a setting. */
const SETTINGS: Partial<Record<string, string>> = { kernel: 'KERNEL_SIZE' };

/** The options for the command line parser. */
export const filterOptions = Object.fromEntries(
  ['filter', ...parameterNames].map((name) => {
    const short = SHORT[name];
    return [name, { type: 'string' as const, ...(short !== undefined && { short }) }];
  }),
);

/** The lines for the help text. */
export const filterHelp = [
  `  --filter NAME     ${filterNames.join(', ')} (default ${DEFAULT_FILTER})`,
  ...parameterNames.map((name) => {
    const owners = filterNames.filter((filter) => name in filters[filter].parameters);
    const { wanted, fallback } = filters[owners[0]].parameters[name];
    const option = SHORT[name] === undefined ? `--${name} N` : `-${SHORT[name]}, --${name} N`;
    return `  ${option.padEnd(17)} of ${owners.join(' and ')}: ${wanted} (default ${fallback})`;
  }),
].join('\n');

/**
 * Reads these options; `env` has the settings for options that are not given. Throws a {@link UsageError}
 * for a value that is not allowed, or for another filter's parameter.
 */
export function readRecipe(
  given: Record<string, string | boolean | undefined>,
  env: Record<string, string | undefined> = {},
): Recipe {
  const filter = oneOf('filter', String(given.filter ?? DEFAULT_FILTER), filterNames);
  const { parameters } = filters[filter];
  const foreign = parameterNames.find((name) => given[name] !== undefined && !(name in parameters));
  if (foreign !== undefined) throw new UsageError(`--${foreign} is not a parameter of the filter ${filter}`);
  const values: Values = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const setting = SETTINGS[name];
    const isSet = given[name] === undefined && setting !== undefined && Boolean(env[setting]);
    const text = String(isSet ? env[setting] : (given[name] ?? parameter.fallback));
    values[name] = parameterValue(isSet ? setting : name, text, parameter);
  }
  return { filter, values };
}
