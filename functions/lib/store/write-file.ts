// Writes a file as a whole: the bytes go to a hidden file beside it, which then takes its place. They are on the disk before that.
import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../errors.ts';
import { makeFolder } from './make-folder.ts';
import { inBatches } from './store.ts';

const PARTIAL = '.partial';

/**
 * Writes the file `target`, and the folders that it needs. A reader sees the old file or the new one, never a part. If `chunks`
 * throws, the old file is unchanged. Also removes what a killed `writer` of the same file left behind.
 */
export async function writeFileAsWhole(
  target: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  writer: string,
): Promise<void> {
  const partial = partialOf(target, writer);
  try {
    await makeFolder(dirname(target));
    await writeDurably(partial, chunks);
    await rename(partial, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {}); // Report the first fault.
    throw storageProblem(error);
  }
  await removePartials(target, writer);
}

/** Returns a path beside `target` that nobody else uses. */
export function partialOf(target: string, writer = ''): string {
  return join(dirname(target), `${partialPrefix(target, writer)}${randomBytes(6).toString('hex')}${PARTIAL}`);
}

/** Writes one batch of chunks while the next one is being made. */
async function writeDurably(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let writing = Promise.resolve();
    try {
      for await (const batch of inBatches(chunks)) {
        await writing;
        writing = writeAll(file, batch);
        writing.catch(() => {}); // Thrown when it is awaited.
      }
    } finally {
      await writing;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev(chunks);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  // A disk that fills up accepts a part, and reports the reason when the rest is written.
  if (bytesWritten < length) await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
}

/** Makes a rename inside `folder` survive a power loss. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Removes files that killed writers of `target` left behind. If the same writer still runs elsewhere, it
 * finds its file gone, fails, and is asked again.
 */
async function removePartials(target: string, writer: string): Promise<void> {
  const folder = dirname(target);
  const names = await readdir(folder);
  const left = names.filter(
    (name) => name.startsWith(partialPrefix(target, writer)) && name.endsWith(PARTIAL),
  );
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

/** Short for every target, because a file system allows 255 bytes for a name. */
function partialPrefix(target: string, writer: string): string {
  const hash = createHash('sha256')
    .update(`${basename(target)}\n${writer}`)
    .digest('hex');
  return `.${hash.slice(0, 8)}.`;
}

function storageProblem(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof Problem) return error;
  return new Problem('storage-unavailable', `The output folder cannot be written (${code}).`, {
    cause: error,
    retryAfterSeconds: 30,
  });
}
