// Opens a file that someone named, and tells the caller in plain words why it cannot be read.
import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Problem } from '../errors.ts';

export interface OpenFile {
  handle: FileHandle;
  stats: BigIntStats;
}

/**
 * Opens the file at `path`, called `name` in messages. It never waits, not even for a pipe that nobody writes
 * to. Throws a Problem: `not-found`, `unreadable-file` if it is not a file or may not be read, otherwise
 * `storage-unavailable`.
 */
export async function openFile(path: string, name: string): Promise<OpenFile> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw readProblem(error, name);
  });
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw notAFile(name, kindOf(stats));
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Returns the Problem for an error that occurred while opening or reading the file called `name`. */
export function readProblem(error: unknown, name: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const shown = JSON.stringify(name);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new Problem('not-found', `There is no ${shown} here.`);
    case 'EISDIR':
      return notAFile(name, 'a folder');
    case 'ENXIO':
      return notAFile(name, 'a socket or a device');
    case 'ELOOP':
      return new Problem('unreadable-file', `${shown} is a link that leads to itself.`);
    case 'EACCES':
    case 'EPERM':
    case 'ENAMETOOLONG':
      return new Problem('unreadable-file', `${shown} cannot be read (${code}).`, { cause: error });
    case undefined:
      return error;
    default:
      return new Problem('storage-unavailable', `${shown} cannot be read now (${code}).`, {
        cause: error,
        retryAfterSeconds: 30,
      });
  }
}

function notAFile(name: string, kind: string): Problem {
  return new Problem('unreadable-file', `${JSON.stringify(name)} is ${kind}, not a file.`);
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
