// Checks the folder for results before the first one is written.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { makeFolder } from './make-folder.ts';

/** Faults of a disk that may end while this process runs. Meanwhile the images' status says why they are not done. */
const PASSING = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'ESTALE']);

/** Makes the folder. Throws the file system's error if it cannot be made or written to because of how it is set up. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
    await access(path, constants.W_OK);
  } catch (error) {
    if (!PASSING.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
