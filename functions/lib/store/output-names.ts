// What the results of images are called, by one rule at every entrance. The names of results made together never meet, not
// even on a file system that takes `a.png` and `A.PNG` for the same name. scripts/run.sh has the same rule for its results.
import { createHash } from 'node:crypto';
import { MAX_NAME_BYTES, RESULT_SUFFIX, withoutExtension } from './names.ts';

/** How a name ends that was made with a hash. No other name is left to end so, thus none can be taken for a made one. */
const MARK = /~([0-9a-f]{8}|[0-9a-f]{32})$/i;
const SHORT_HASH = 8;
/** Nobody can find two names with the same hash of this length. */
const LONG_HASH = 32;

/** The name of the blurred image of `name` when nothing else is blurred with it: `a/tom.jpg` becomes `a/tom_blurred.png`. */
export function outputName(name: string): string {
  return outputNames([name])[0];
}

/**
 * The names of the blurred images of `names`, one for each. Where two would be the same, both keep their extensions:
 * `tom.png_blurred.png` and `tom.jpg_blurred.png`. Names that are still the same, or differ in upper and lower case alone,
 * get a part of their hash as well; those that are exactly the same, that of their paths, which must differ. What an image
 * gets depends on which others there are, not on their order.
 */
export function outputNames(names: readonly string[], paths: readonly string[] = names): string[] {
  const short = countFolded(names.map(shortened));
  const full = countFolded(names);
  const exact = counts(names);
  const named = (name: string, path: string, digits: number): string => {
    if (full(name) > 1) return resultName(name, hashOf(exact(name) > 1 ? path : name, digits));
    const stem = short(shortened(name)) > 1 ? name : shortened(name);
    return resultName(stem, MARK.test(stem) || isTooLong(stem) ? hashOf(name, LONG_HASH) : null);
  };
  const outputs = names.map((name, at) => named(name, paths[at], SHORT_HASH));
  const taken = countFolded(outputs);
  return outputs.map((output, at) => (taken(output) > 1 ? named(names[at], paths[at], LONG_HASH) : output));
}

/**
 * The names to upload images under that are called `names` and lie at `paths`, which must differ: the results that split
 * names after them never meet either. Images keep their names as far as that goes.
 */
export function uploadNames(names: readonly string[], paths: readonly string[]): string[] {
  return outputNames(names, paths).map((output, at) =>
    output === outputName(names[at]) ? names[at] : marked(names[at], hashOf(paths[at], LONG_HASH), 0),
  );
}

/**
 * The name without its extension, unless what is left could be the name of another result: `tom.jpg.png` is not
 * shortened to the `tom.jpg` that a result of `tom.jpg` may be called after.
 */
function shortened(name: string): string {
  const short = withoutExtension(name);
  return withoutExtension(short) === short && !MARK.test(short) ? short : name;
}

/** The name of the result that is called after `stem`, and marked by `hash` if it has one. */
function resultName(stem: string, hash: string | null): string {
  return (hash === null ? stem : marked(stem, hash, RESULT_SUFFIX.length)) + RESULT_SUFFIX;
}

function isTooLong(stem: string): boolean {
  return Buffer.byteLength(lastOf(stem)) > MAX_NAME_BYTES - RESULT_SUFFIX.length;
}

/** `stem` with `hash` behind it, cut so that there is room for `moreBytes`. */
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

/** Tells how many of `names` a file system may take for the same as a given one. */
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
