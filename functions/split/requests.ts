// Parses and checks a request to split before any work is done. Unknown parameters and fields are refused, because their sender
// expects an effect.
import { Problem } from '../lib/errors.ts';
import { readValue, type Parameter, type Values } from '../lib/filters/filter.ts';
import { formatRecipe } from '../lib/filters/recipe.ts';
import {
  DEFAULT_FILTER,
  filterNames,
  filters,
  findFilter,
  type FilterName,
} from '../lib/filters/registry.ts';
import { DEFAULT_QUALITY, findFormat, formatNames, formatText, readQuality } from '../lib/image/format.ts';
import { readName, readPath } from '../lib/store/names.ts';

/** Values of query parameters by name; an array if a parameter is given several times. */
export type Query = Partial<Record<string, string | string[]>>;

/** Returns the path of a request's target as it was sent, and its query without the `?`. */
export function targetOf(url: string): { path: string; query: string } {
  const target = url.replace(/^https?:\/\/[^/?]*/i, ''); // Requests to a proxy have the whole URL.
  const at = target.indexOf('?');
  return at === -1 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

/**
 * Returns the parameters in `query`. Throws Problem `invalid-request` for one that is not among `known`; the
 * message says what `taker` accepts.
 */
export function queryOf(query: string, known: string[], taker = 'this request'): Query {
  const values = valuesOf(query);
  const wanted = known.length === 0 ? `${taker} takes no query parameters` : onlyKnown(known);
  refuseUnknown('The query', Object.keys(values), known, wanted);
  return values;
}

function valuesOf(query: string): Query {
  const params = new URLSearchParams(query);
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const [first, ...more] = params.getAll(name);
      return [name, more.length > 0 ? [first, ...more] : first];
    }),
  );
}

/** What is done to an image, and the format of its result. */
export interface Treatment {
  recipe: string;
  /** The format of results: lib/image/format.ts. */
  format: string;
}

/** Returns the name of an upload, null if it has none, and what is asked for. `settings` has the values that a request may omit. */
export function uploadRequestOf(query: string, settings: Values): Treatment & { name: string | null } {
  const filter = filterOf(valuesOf(query).filter);
  const given = queryOf(query, ['name', ...recipeFields(filter), ...FORMAT_FIELDS]);
  return { name: nameOf(given.name), recipe: recipeOf(filter, given, settings), format: formatOf(given) };
}

/** Returns the filter that a query or a JSON field requests. */
function filterOf(value: unknown): FilterName {
  const filter = value === undefined ? DEFAULT_FILTER : findFilter(value);
  if (filter !== null) return filter;
  const wanted = `one of ${filterNames.join(', ')} is required`;
  throw new Problem('invalid-filter', `The filter is ${shown(value)}; ${wanted}.`);
}

const FORMAT_FIELDS = ['format', 'quality'];

/** Returns the format that a query or JSON fields request. */
function formatOf({ format, quality }: Record<string, unknown>): string {
  const name = format === undefined ? 'png' : findFormat(format);
  if (name === null) {
    const wanted = `one of ${formatNames.join(', ')} is required`;
    throw new Problem('invalid-format', `The format is ${shown(format)}; ${wanted}.`);
  }
  if (name === 'png') {
    if (quality === undefined) return formatText({ name });
    throw new Problem('invalid-format', 'A quality is given, but the format is png; only jpeg has one.');
  }
  const given = quality === undefined ? DEFAULT_QUALITY : readQuality(quality);
  if (given !== null) return formatText({ name, quality: given });
  throw new Problem(
    'invalid-format',
    `The quality is ${shown(quality)}; an integer from 1 to 100 is required.`,
  );
}

/** Returns the names of the request parameters of a filter's recipe. */
function recipeFields(filter: FilterName): string[] {
  return ['filter', ...Object.keys(filters[filter].parameters)];
}

function recipeOf(filter: FilterName, given: Record<string, unknown>, settings: Values): string {
  const values: Values = {};
  for (const [name, parameter] of Object.entries(filters[filter].parameters)) {
    values[name] = Object.hasOwn(given, name)
      ? valueOf(name, parameter, given[name])
      : (settings[name] ?? parameter.fallback);
  }
  return formatRecipe({ filter, values });
}

function valueOf(name: string, parameter: Parameter, given: unknown): number {
  const value = readValue(parameter, given);
  if (value !== null) return value;
  throw new Problem(parameter.problem, `The ${name} is ${shown(given)}; ${parameter.wanted} is required.`);
}

/** Returns the name given to an upload, or null if there is none. */
export function nameOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return readName(value);
  throw new Problem('invalid-name', `The name is ${shown(value)}; one name is required.`);
}

/** Which stored inputs to blur. */
export interface InputRequest extends Treatment {
  /** A file or folder under INPUT_PATH; '' for all of it. */
  input: string;
  /** Only names after this one are used; '' for all. An earlier answer ended there. */
  after: string;
}

/** Returns the request in a JSON body. `settings` has the values that a request may omit. */
export function inputRequestOf(body: Buffer, settings: Values): InputRequest {
  const text = body.toString();
  const fields = parseObject(text);
  const filter = filterOf(fields.filter);
  const known = ['input', ...recipeFields(filter), ...FORMAT_FIELDS, 'after'];
  refuseUnknown('The body', Object.keys(fields), known, onlyKnown(known));
  const { input, after, ...given } = fields;
  const request = {
    input: input === undefined ? '' : readPath(pathIn('input', input)),
    recipe: recipeOf(filter, given, settings),
    format: formatOf(given),
    after: after === undefined ? '' : readPath(pathIn('after', after)),
  };
  // All values are numbers and strings here, so every string before a colon is a key.
  const strings = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs);
  const keys = [...strings].filter(([, colon]) => colon !== undefined);
  if (keys.length > Object.keys(fields).length)
    throw new Problem('invalid-request', 'The body has a field twice.');
  return request;
}

function pathIn(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Problem('invalid-request', `"${field}" is ${shown(value)}; a path is required.`);
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    const what = text === '' ? 'empty' : 'not JSON, although it was sent as JSON';
    throw new Problem('invalid-request', `The body is ${what}. Send {"input": "folder"}, or {} for all.`, {
      cause: error,
    });
  }
  throw new Problem('invalid-request', 'The body is not a JSON object.');
}

function onlyKnown(known: string[]): string {
  return `only ${known.map(shown).join(', ')} ${known.length === 1 ? 'is' : 'are'} allowed`;
}

function refuseUnknown(where: string, names: string[], known: string[], wanted: string): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : '';
  throw new Problem(
    'invalid-request',
    `${where} has ${unknown.slice(0, 3).map(shown).join(', ')}${more}; ${wanted}.`,
  );
}

/** Returns a value for a message. Objects are not shown, because they may be nested deeper than the stack allows. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value))
    return value.every((each) => typeof each === 'string') ? JSON.stringify(value) : 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
