// Finds the images in a real-life folder, with links, hidden files, other formats and results of earlier
// runs. What is left out is reported, except for hidden files and the like.
import { readdir, realpath, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { labelOf, LABELLED_HEAD_BYTES } from '../image/label.ts';
import { isImageFile, isResultFile, pathFault, printable } from './names.ts';
import { openFile } from './open-file.ts';

export interface FoundImage {
  /** Its path inside the folder, normalised (NFC), with `/` between the names. */
  name: string;
  /** Its real path. */
  path: string;
}

export interface SkippedFile {
  name: string;
  /** Why it was skipped: what it is, or what went wrong. */
  reason: string;
}

export interface Findings {
  images: FoundImage[];
  skipped: SkippedFile[];
}

/** The usual reasons. */
export const OTHER_FORMAT = 'not a .png or .jpg';
export const EARLIER_RESULT = 'the result of an earlier run';

/** Files that operating systems leave in folders, besides those that begin with a dot. */
export const CLUTTER = new Set(['Thumbs.db', 'desktop.ini']);

/**
 * Returns the images in `folder` and its subfolders, and what was skipped, both sorted by name. Links are
 * followed. Each folder is searched once, so circular links end; a real folder keeps its own name, not a link's. Links
 * that lead out of the folder `within` are skipped; with null they may lead anywhere. Only files with the
 * name of a result are opened. Throws only if the folder does not exist.
 */
export async function findImages(folder: string, within: string | null): Promise<Findings> {
  const walk = new Walk(await realpath(folder), within && (await realpath(within)));
  await walk.run();
  return { images: walk.images.sort(byName), skipped: walk.skipped.sort(byName) };
}

class Walk {
  readonly images: FoundImage[] = [];
  readonly skipped: SkippedFile[] = [];
  readonly #root: string;
  readonly #within: string | null;
  readonly #walked = new Set<string>();
  /** Links to folders, searched last, so that a folder that is also here itself keeps its own name. */
  readonly #links: FoundImage[] = [];

  constructor(root: string, within: string | null) {
    this.#root = root;
    this.#within = within;
  }

  async run(): Promise<void> {
    await this.#folder('', this.#root);
    for (let link = this.#links.shift(); link; link = this.#links.shift())
      await this.#folder(link.name, link.path);
  }

  async #folder(name: string, path: string): Promise<void> {
    if (this.#walked.has(path)) return;
    this.#walked.add(path);
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      this.#skip(name || '.', `cannot be read (${codeOf(error)})`);
      return [];
    });
    const visible = entries.filter((entry) => !entry.name.startsWith('.') && !CLUTTER.has(entry.name));
    const taken = new Set<string>();
    for (const entry of visible.sort(composedFirst)) {
      const ownName = entry.name.normalize('NFC');
      const entryName = name === '' ? ownName : `${name}/${ownName}`;
      const fault = pathFault(entryName);
      if (fault !== null) this.#skip(entryName, `its name ${fault}`);
      else if (taken.has(ownName))
        this.#skip(entryName, 'the same name as another file, with accents stored differently');
      else await this.#entry(entryName, join(path, entry.name), entry);
      taken.add(ownName);
    }
  }

  async #entry(name: string, path: string, entry: Dirent): Promise<void> {
    if (entry.isSymbolicLink()) await this.#link(name, path);
    else if (entry.isFile()) await this.#file(name, path);
    else if (!entry.isDirectory()) this.#skip(name, 'neither a file nor a folder');
    else if (!isImageFile(name)) await this.#folder(name, path);
  }

  async #link(name: string, path: string): Promise<void> {
    try {
      const target = await realpath(path);
      if (this.#within !== null && !isInside(target, this.#within)) {
        this.#skip(name, 'a link that leads out of the folder');
        return;
      }
      const stats = await stat(target);
      if (stats.isFile()) await this.#file(name, target);
      else if (!stats.isDirectory()) this.#skip(name, 'a link to neither a file nor a folder');
      else if (target !== this.#root && isInside(this.#root, target))
        this.#skip(name, 'a link to a folder that contains this one');
      else if (!isImageFile(name)) this.#links.push({ name, path: target });
    } catch (error) {
      const code = codeOf(error);
      this.#skip(name, code === 'ENOENT' || code === 'ELOOP' ? 'a broken link' : `cannot be read (${code})`);
    }
  }

  async #file(name: string, path: string): Promise<void> {
    if (!isImageFile(name)) this.#skip(name, OTHER_FORMAT);
    else if (isResultFile(name) && (await isResult(path))) this.#skip(name, EARLIER_RESULT);
    else this.images.push({ name, path });
  }

  #skip(name: string, reason: string): void {
    this.skipped.push({ name: printable(name), reason });
  }
}

/**
 * Returns whether a file says that it is a result. An unreadable file does not; the reason is reported when
 * it is used.
 */
async function isResult(path: string): Promise<boolean> {
  const opened = await openFile(path, path).catch(() => null);
  if (opened === null) return false;
  try {
    const { buffer, bytesRead } = await opened.handle.read(Buffer.alloc(LABELLED_HEAD_BYTES), 0);
    return labelOf(buffer.subarray(0, bytesRead)) !== null;
  } catch {
    return false;
  } finally {
    await opened.handle.close();
  }
}

/** Sorts by name, normalised names first, because the normalised name opens those files. */
function composedFirst(a: Dirent, b: Dirent): number {
  return Number(isComposed(b.name)) - Number(isComposed(a.name)) || byName(a, b);
}

function isComposed(name: string): boolean {
  return name === name.normalize('NFC');
}

function byName(a: { name: string }, b: { name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
