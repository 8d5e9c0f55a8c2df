// Images in a folder, local or on a mounted volume. Nothing outside the folder is ever read or written.
import { opendir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Problem } from '../errors.ts';
import { findImages } from './find-images.ts';
import { assertPath } from './names.ts';
import { openFile, readProblem } from './open-file.ts';
import { realpathWithin } from './real-path.ts';
import { removeFile } from './remove-file.ts';
import {
  HEAD_BYTES,
  wholeOf,
  type Listing,
  type Store,
  type StoredFile,
  type StoredObject,
  type WalkedFile,
} from './store.ts';
import { partialOf, writeFileAsWhole } from './write-file.ts';

const READ_BYTES = 1 << 20;

export class FileStore implements Store {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(path: string): Promise<Listing> {
    const found = await this.#find(path);
    // A file that is named explicitly is accepted whatever its name: its content decides.
    const stats = await stat(found).catch((error: unknown) => {
      throw readProblem(error, path);
    });
    if (!stats.isDirectory()) return { names: [path], skipped: [] };
    const { images, skipped } = await findImages(found, this.#root);
    const nameOf = (name: string) => (path === '' ? name : `${path}/${name}`);
    return {
      names: images.map(({ name }) => nameOf(name)),
      skipped: skipped.map(({ name, reason }) => ({ name: nameOf(name), reason })),
    };
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const { handle, stats } = await openFile(await this.#find(name), name);
    try {
      if (stats.size > maxBytes) {
        throw new Problem(
          'body-too-large',
          `${JSON.stringify(name)} has ${stats.size} bytes, more than the ${maxBytes} allowed.`,
        );
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async readObject(key: string, maxBytes: number): Promise<StoredObject> {
    return { bytes: await this.read(key, maxBytes), metadata: null, etag: null };
  }

  async open(name: string): Promise<StoredFile | null> {
    const found = await this.#locate(name);
    if (found === null) return null;
    return openStored(found);
  }

  async write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    writer = '',
  ): Promise<void> {
    assertPath(name);
    await writeFileAsWhole(join(this.#root, name), chunks, writer);
  }

  async remove(name: string, isMeant: (file: StoredFile) => boolean = () => true): Promise<boolean> {
    const found = await this.#locate(name);
    return found !== null && removeFile(found, partialOf(found), openStored, isMeant);
  }

  async *walk(): AsyncGenerator<WalkedFile> {
    for await (const name of filesIn(this.#root, '')) yield { name };
  }

  /** Returns the real path of `path`. Throws Problem `not-found` if it is not inside the root after following links. */
  async #find(path: string): Promise<string> {
    const found = await this.#locate(path);
    if (found === null) throw new Problem('not-found', `There is no ${JSON.stringify(path)} here.`);
    return found;
  }

  /** Like #find, but returns null if there is nothing. */
  async #locate(path: string): Promise<string | null> {
    assertPath(path);
    return realpathWithin(this.#root, path).catch((error: unknown) => {
      throw readProblem(error, path);
    });
  }
}

/**
 * Yields the files in the folder `path` of `root` and in its subfolders. Folders that are gone or cannot be
 * read are skipped.
 */
async function* filesIn(root: string, path: string): AsyncGenerator<string> {
  const folder = await opendir(join(root, path)).catch(() => null);
  for await (const entry of folder ?? []) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* filesIn(root, name);
    else if (entry.isFile()) yield name;
  }
}

/** Opens a file and reads its facts through that one handle. Returns null if there is no readable file. */
async function openStored(path: string): Promise<StoredFile | null> {
  const opened = await openFile(path, basename(path)).catch((error: unknown) => {
    if (error instanceof Problem && error.status < 500) return null;
    throw error;
  });
  if (opened === null) return null;
  const { handle, stats } = opened;
  try {
    const sizeBytes = Number(stats.size);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const range = { start: 0, end: Math.max(0, sizeBytes - 1), autoClose: false, highWaterMark: READ_BYTES };
    return {
      sizeBytes,
      head: buffer.subarray(0, bytesRead),
      writtenAt: Number(stats.mtimeMs),
      version: [stats.mtimeNs, stats.ino, stats.size].map((each) => each.toString(36)).join('-'),
      read: () => wholeOf(handle.createReadStream(range), sizeBytes),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
