// Images in a folder: a local one or a mounted volume. Nothing outside the folder is ever read or written.
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
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
import { removeFile } from './remove-file.ts';
import { HEAD_BYTES, inBatches, wholeOf, type Store, type StoredFile } from './store.ts';

const IMAGE_FILE = /\.(png|jpe?g)$/i;
const PARTIAL = '.partial';
const READ_BYTES = 1 << 20;

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
    return openFile(found);
  }

  async write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    writer = '',
  ): Promise<void> {
    assertPath(name);
    const target = join(this.#root, name);
    const partial = partialOf(target, writer);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeDurably(partial, chunks);
      await rename(partial, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {}); // The first fault is the one to tell.
      throw storageProblem(error);
    }
    await removePartials(target, writer);
  }

  async remove(name: string, isMeant: (file: StoredFile) => boolean = () => true): Promise<boolean> {
    const found = await this.#locate(name);
    return found !== null && removeFile(found, partialOf(found), openFile, isMeant);
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

/** Opens a regular file and looks at it through that one handle; null when there is none. */
async function openFile(path: string): Promise<StoredFile | null> {
  // Without O_NONBLOCK, opening a pipe waits for someone to write to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) {
      await file.close();
      return null;
    }
    const sizeBytes = Number(stats.size);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const range = { start: 0, end: Math.max(0, sizeBytes - 1), autoClose: false, highWaterMark: READ_BYTES };
    return {
      sizeBytes,
      head: buffer.subarray(0, bytesRead),
      version: [stats.mtimeNs, stats.ino, stats.size].map((each) => each.toString(36)).join('-'),
      read: () => wholeOf(file.createReadStream(range), sizeBytes),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
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
 * Removes what killed writers of `target` left beside it. The same writer still at work elsewhere finds its file gone,
 * fails, and is asked again.
 */
async function removePartials(target: string, writer: string): Promise<void> {
  const folder = dirname(target);
  const names = await readdir(folder);
  const left = names.filter(
    (name) => name.startsWith(partialPrefix(target, writer)) && name.endsWith(PARTIAL),
  );
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

/** A path beside `target` that nobody else uses. */
function partialOf(target: string, writer = ''): string {
  return join(dirname(target), `${partialPrefix(target, writer)}${randomBytes(6).toString('hex')}${PARTIAL}`);
}

/** Short whatever the target is called: a file system takes 255 bytes for a name. */
function partialPrefix(target: string, writer: string): string {
  const hash = createHash('sha256')
    .update(`${basename(target)}\n${writer}`)
    .digest('hex');
  return `.${hash.slice(0, 8)}.`;
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
