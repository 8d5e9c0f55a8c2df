// A folder for files that are only needed while the command runs.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../scripts/lib/options.ts';
import { reasonOf } from './reason-of.ts';

/** Makes a new folder in `parent` and returns its path. Throws a {@link CommandError} if none can be made there. */
export async function makeTemporaryFolder(parent: string, prefix: string): Promise<string> {
  return mkdtemp(join(parent, prefix)).catch((error: unknown) => {
    const message = `no temporary folder can be made in ${parent}: ${reasonOf(error)}`;
    throw new CommandError(message, { cause: error });
  });
}

/** Removes the folder. On a disk that has become read-only it stays, because nothing can be removed there. */
export async function removeTemporaryFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}
