// The folder that results are written to, looked at before the first one is.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { makeFolder } from './make-folder.ts';

/** Faults of a disk, which may pass while this process runs. Meanwhile the images' status says why they are not done. */
const PASSING = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'ESTALE']);

/** Makes the folder. Throws the fault of the file system when that, or writing into it, is not possible as it is set up. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
    await access(path, constants.W_OK);
  } catch (error) {
    if (!PASSING.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
