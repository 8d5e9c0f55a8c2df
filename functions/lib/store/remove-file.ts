// Removes a file only if it is the intended one, although another file may replace it at any moment.
import { link, rename, rm } from 'node:fs/promises';
import type { StoredFile } from './store.ts';

type Opener = (path: string) => Promise<StoredFile | null>;

/**
 * Removes the file at `path` if `isMeant` returns true for it. Returns whether it was removed. Deleting
 * removes whatever file has the name at that moment. So the file is first moved to `aside`, checked there, and
 * moved back if it is another one.
 */
export async function removeFile(
  path: string,
  aside: string,
  open: Opener,
  isMeant: (file: StoredFile) => boolean,
): Promise<boolean> {
  const matches = async (at: string) => {
    const file = await open(at);
    await file?.close();
    return file !== null && isMeant(file);
  };
  if (!(await matches(path))) return false;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const isRemoved = await matches(aside);
  if (!isRemoved) await putBack(aside, path);
  await rm(aside, { force: true });
  return isRemoved;
}

/** Gives a file its name back, unless a newer file has it by now. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!isTaken) await rename(aside, path); // Some file systems have no hard links.
  }
}
