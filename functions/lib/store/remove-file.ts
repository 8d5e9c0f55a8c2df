// Removes a file only if it is the one that is meant, though others may be put in its place at any moment.
import { link, rename, rm } from 'node:fs/promises';
import type { StoredFile } from './store.ts';

type Opener = (path: string) => Promise<StoredFile | null>;

/**
 * Removes the file at `path` if `isMeant` says so of it; returns whether it did. A file system removes a name, whatever
 * file has it by then: so the file is moved to `aside` first, looked at there, and put back if it is another.
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

/** Gives a file its name again, unless a newer one has it by now. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!isTaken) await rename(aside, path); // Not every file system has hard links.
  }
}
