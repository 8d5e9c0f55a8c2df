// The names of results. The same rule applies everywhere. Results made together never get the same name, not
// even on a file system that does not distinguish `a.png` and `A.PNG`. scripts/run.sh follows the same rule.
import { createHash } from 'node:crypto';
import { DEFAULT_FILTER, type FilterName } from '../filters/registry.ts';
import type { FormatName } from '../image/format.ts';
import { isImageFile, MAX_NAME_BYTES, resultSuffix, withoutExtension } from './names.ts';

/** How a name with a hash ends. No other name may end like this, so no plain name can equal a name with a hash. */
const MARK = /~([0-9a-f]{8}|[0-9a-f]{32})$/i;
const SHORT_HASH = 8;
/** Nobody can find two names with the same hash of this length. */
const LONG_HASH = 32;

/**
 * Returns the name of the result of `name` if there is no other image with it: `a/tom.jpg` becomes
 * `a/tom_blurred.png`.
 */
export function outputName(
  name: string,
  filter: FilterName = DEFAULT_FILTER,
  format: FormatName = 'png',
): string {
  return outputNames([name], [name], filter, format)[0];
}

/**
 * Returns the name of the result of `name` if nobody knows which other images there are or will be. Only `.png` is left out:
 * `a/tom.png` becomes `a/tom_blurred.png`, and `a/tom.jpg` becomes `a/tom.jpg_blurred.png`. Different names always have different
 * results. A name that does not end like an image gets its hash, because `tom` and `tom.png` would be the same.
 */
export function loneOutputName(name: string, filter: FilterName, format: FormatName): string {
  if (name.endsWith('.png')) return outputName(name, filter, format);
  const suffix = resultSuffix(filter, format);
  const isPlain = isImageFile(name) && !isTooLong(name, suffix);
  return fromStem(name, suffix, isPlain ? null : hashOf(name, LONG_HASH));
}

/**
 * Returns the names of the results of `names`, one for each. If two would be the same, both keep their
 * extensions: `tom.png_blurred.png` and `tom.jpg_blurred.png`. Names that are still the same, or only differ
 * in case, also get a part of their hash. Names that are exactly the same get a part of the hash of their
 * paths, which must differ. The result does not depend on the order of the images.
 */
export function outputNames(
  names: readonly string[],
  paths: readonly string[] = names,
  filter: FilterName = DEFAULT_FILTER,
  format: FormatName = 'png',
): string[] {
  const suffix = resultSuffix(filter, format);
  const short = countFolded(names.map(shortened));
  const full = countFolded(names);
  const exact = counts(names);
  const named = (name: string, path: string, digits: number): string => {
    if (full(name) > 1) return fromStem(name, suffix, hashOf(exact(name) > 1 ? path : name, digits));
    const stem = short(shortened(name)) > 1 ? name : shortened(name);
    const isMarked = MARK.test(stem) || isTooLong(stem, suffix);
    return fromStem(stem, suffix, isMarked ? hashOf(name, LONG_HASH) : null);
  };
  const outputs = names.map((name, at) => named(name, paths[at], SHORT_HASH));
  const taken = countFolded(outputs);
  return outputs.map((output, at) => (taken(output) > 1 ? named(names[at], paths[at], LONG_HASH) : output));
}

/**
 * Returns the upload name of each image. `names` are their own names, `paths` are where they are, all different.
 * split names their results after these, and they never collide. Images keep their names if possible.
 */
export function uploadNames(
  names: readonly string[],
  paths: readonly string[],
  filter: FilterName = DEFAULT_FILTER,
  format: FormatName = 'png',
): string[] {
  return outputNames(names, paths, filter, format).map((output, at) =>
    output === outputName(names[at], filter, format)
      ? names[at]
      : marked(names[at], hashOf(paths[at], LONG_HASH), 0),
  );
}

/**
 * Returns the name without its extension, unless the rest could be the name of another result: `tom.jpg.png`
 * is not shortened to `tom.jpg`, because the result of `tom.jpg` may be named after that.
 */
function shortened(name: string): string {
  const short = withoutExtension(name);
  return withoutExtension(short) === short && !MARK.test(short) ? short : name;
}

/** Returns the name of the result that is named after `stem`, with `hash` if there is one. */
function fromStem(stem: string, suffix: string, hash: string | null): string {
  return (hash === null ? stem : marked(stem, hash, suffix.length)) + suffix;
}

function isTooLong(stem: string, suffix: string): boolean {
  return Buffer.byteLength(lastOf(stem)) > MAX_NAME_BYTES - suffix.length;
}

/** Returns `stem` followed by `hash`, shortened so that there is room for `moreBytes`. */
function marked(stem: string, hash: string, moreBytes: number): string {
  const name = lastOf(stem);
  const room = MAX_NAME_BYTES - moreBytes - hash.length - 1;
  let kept = '';
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return `${stem.slice(0, stem.length - name.length)}${kept}~${hash}`;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Returns a function that counts those of `names` that equal a given name if case is ignored. */
function countFolded(names: readonly string[]): (name: string) => number {
  const count = counts(names.map(folded));
  return (name) => count(folded(name));
}

function counts(names: readonly string[]): (name: string) => number {
  const count = new Map<string, number>();
  for (const name of names) count.set(name, (count.get(name) ?? 0) + 1);
  return (name) => count.get(name) ?? 0;
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function hashOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
