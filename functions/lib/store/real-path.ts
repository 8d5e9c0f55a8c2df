// Where a file or folder really is: links followed, accents as they are stored, and never outside of its root.
import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** The real path of `path` under the folder `root`; null when there is nothing, or when links lead out of the folder. */
export async function realpathWithin(root: string, path: string): Promise<string | null> {
  try {
    const realRoot = await realpath(root);
    const found = await realpath(join(realRoot, path)).catch(async (error: unknown) => {
      if (!isMissing(error) || path === path.normalize('NFD')) throw error;
      return storedOtherwise(realRoot, path);
    });
    return found === realRoot || found.startsWith(realRoot + sep) ? found : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Whether an error of the file system means that there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The real path of what is stored with its accents written in another way: a Mac makes "é" of two characters. */
async function storedOtherwise(root: string, path: string): Promise<string> {
  return realpath(join(root, path.normalize('NFD'))).catch(async () => {
    let stored = root;
    for (const name of path.split('/')) {
      const entries = await readdir(stored);
      stored = join(stored, entries.find((entry) => entry.normalize('NFC') === name) ?? name);
    }
    return realpath(stored);
  });
}
