// Finds the images among the keys of a bucket, by the same rules as in a folder.
import { CLUTTER, EARLIER_RESULT, OTHER_FORMAT } from './find-images.ts';
import { isImageFile, isResultFile, pathFault, printable } from './names.ts';
import type { Listing } from './store.ts';

/** How many objects are opened at once to see whether they are results. */
const LOOKS_AT_ONCE = 16;

/**
 * Returns the images among `paths`, which are keys without the place's prefix. `isResult` looks into an object
 * with the name of a result.
 */
export async function listImages(
  paths: Iterable<string>,
  isResult: (name: string) => Promise<boolean>,
): Promise<Listing> {
  const names = new Set<string>();
  const skipped: Listing['skipped'] = [];
  const skip = (name: string, reason: string) => skipped.push({ name: printable(name), reason });
  for (const path of paths) {
    if (isFolder(path) || isHidden(path)) continue;
    const name = path.normalize('NFC');
    const fault = pathFault(name);
    if (fault !== null) skip(name, `its name ${fault}`);
    else if (!storedAs(name).includes(path)) skip(name, 'its name has accents that are stored in two ways');
    else if (names.has(name)) skip(name, 'the same name as another file, with accents stored differently');
    else if (isImageFile(name)) names.add(name);
    else skip(name, OTHER_FORMAT);
  }
  const suspects = [...names].filter(isResultFile);
  for (let at = 0; at < suspects.length; at += LOOKS_AT_ONCE) {
    const some = suspects.slice(at, at + LOOKS_AT_ONCE);
    const results = await Promise.all(some.map(isResult));
    for (const name of some.filter((_, index) => results[index])) {
      names.delete(name);
      skip(name, EARLIER_RESULT);
    }
  }
  return { names: [...names].sort(), skipped: skipped.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Returns how the name of a file may be stored: as people type it, or as a Mac stores it. */
export function storedAs(name: string): string[] {
  const decomposed = name.normalize('NFD');
  return decomposed === name ? [name] : [name, decomposed];
}

/** Consoles show an empty object with such a key as a folder. */
function isFolder(path: string): boolean {
  return path === '' || path.endsWith('/');
}

/** Returns whether a folder would not show this file. `.` and `..` are faults, not hidden names. */
function isHidden(path: string): boolean {
  return path
    .split('/')
    .some((name) => CLUTTER.has(name) || (name.startsWith('.') && name !== '.' && name !== '..'));
}
