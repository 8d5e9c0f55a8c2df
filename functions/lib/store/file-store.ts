// Images in a folder: a local one or a mounted volume. Nothing outside the folder is ever read or written.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  mkdir,
  open,
  type FileHandle,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { Problem } from '../errors.ts';
import { assertPath } from './names.ts';
import { inBatches, type Store, type StoredFile } from './store.ts';

const IMAGE_FILE = /\.(png|jpe?g)$/i;
const PARTIAL = '.partial';

export class FileStore implements Store {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(path: string): Promise<string[]> {
    const found = await this.#locate(path);
    if (found === null) throw new Problem('not-found', `There is no ${JSON.stringify(path)} here.`);
    if ((await stat(found)).isFile()) return [path];
    const entries = await readdir(found, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && IMAGE_FILE.test(entry.name))
      .map((entry) => join(path, relative(found, join(entry.parentPath, entry.name))).replaceAll(sep, '/'))
      .sort();
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const found = await this.#locate(name);
    if (found === null) throw new Problem('not-found', `There is no ${JSON.stringify(name)} here.`);
    const { size } = await stat(found);
    if (size > maxBytes) {
      throw new Problem('body-too-large', `${name} has ${size} bytes, more than the ${maxBytes} allowed.`);
    }
    return readFile(found);
  }

  async open(name: string): Promise<StoredFile | null> {
    const found = await this.#locate(name);
    if (found === null) return null;
    const { size } = await stat(found);
    return { sizeBytes: size, read: () => createReadStream(found, { highWaterMark: 1 << 20 }) };
  }

  async write(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    assertPath(name);
    const target = join(this.#root, name);
    const partial = join(dirname(target), partialPrefix(target) + randomBytes(6).toString('hex') + PARTIAL);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeDurably(partial, chunks);
      await rename(partial, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {}); // The first fault is the one to tell.
      throw storageProblem(error);
    }
    await removePartials(target);
  }

  async remove(name: string): Promise<void> {
    assertPath(name);
    await rm(join(this.#root, name), { force: true });
  }

  /** The real path of `path` if it exists inside the root, links followed; else null. */
  async #locate(path: string): Promise<string | null> {
    assertPath(path);
    try {
      const root = await realpath(this.#root);
      const found = await realpath(join(root, path));
      return found === root || found.startsWith(root + sep) ? found : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}

/** Writes one batch of chunks while the next is made. */
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
        writing.catch(() => {}); // Met when it is awaited.
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
  // A disk that fills up takes a part, and tells why when it is asked to take the rest.
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
 * Removes what killed writers of `target` left beside it. A writer still at work on the same name finds its file
 * gone, fails, and is asked again.
 */
async function removePartials(target: string): Promise<void> {
  const folder = dirname(target);
  const names = await readdir(folder);
  const left = names.filter((name) => name.startsWith(partialPrefix(target)) && name.endsWith(PARTIAL));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

/** What the names of partial files of `target` begin with: short, however long its own name is. */
function partialPrefix(target: string): string {
  return `.${createHash('sha256').update(basename(target)).digest('hex').slice(0, 16)}.`;
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function storageProblem(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof Problem) return error;
  return new Problem('storage-unavailable', `The output folder cannot be written (${code}).`, {
    cause: error,
    retryAfterSeconds: 30,
  });
}
