// Finds the real path of a file or folder: follows links, finds differently stored accents, and never leaves
// the root.
import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * Returns the real path of `path` under the folder `root`, or null if there is nothing, or if links lead out
 * of the folder.
 */
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

/** Returns whether an error of the file system means that no such file exists. */
function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Returns the real path of a file whose accents are stored differently: a Mac stores "é" as two characters. */
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
