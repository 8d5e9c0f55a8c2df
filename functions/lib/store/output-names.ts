// What the results of images are called. The names of one request's results never meet, not even on a file system that
// takes `a.png` and `A.PNG` for the same name.
import { createHash } from 'node:crypto';
import { resultName, withoutExtension } from './names.ts';

/** The name of the blurred image of `name` when nothing else is blurred with it: `a/tom.jpg` becomes `a/tom_blurred.png`. */
export function outputName(name: string): string {
  return outputNames([name])[0];
}

/**
 * The names of the blurred images of `names`, one for each. Where two would be the same, both keep their extensions:
 * `tom.png_blurred.png` and `tom.jpg_blurred.png`. Names that differ in upper and lower case alone get a part of their
 * hash as well. What an image gets depends on which other names there are, not on their order.
 */
export function outputNames(names: readonly string[]): string[] {
  const distinct = [...new Set(names)];
  const short = countFolded(distinct.map(shortened));
  const full = countFolded(distinct);
  return names.map((name) => {
    if (full(name) > 1) return resultName(`${name}~${hashOf(name)}`);
    return resultName(short(shortened(name)) > 1 ? name : shortened(name));
  });
}

/**
 * The name without its extension, unless what is left ends in one again: `tom.jpg.png` is not shortened to the `tom.jpg`
 * that a result of `tom.jpg` may be called after.
 */
function shortened(name: string): string {
  const short = withoutExtension(name);
  return withoutExtension(short) === short ? short : name;
}

/** Tells how many of `names` a file system may take for the same as a given one. */
function countFolded(names: readonly string[]): (name: string) => number {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(folded(name), (counts.get(folded(name)) ?? 0) + 1);
  return (name) => counts.get(folded(name)) ?? 0;
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}
