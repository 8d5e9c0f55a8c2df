// Where a run puts its results: the folder of --out, and a hidden folder in it for unfinished results. Each run has its own hidden
// folder, so that several runs can share one --out.
import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../functions/lib/store/make-folder.ts';
import { CommandError, UsageError } from '../scripts/lib/options.ts';
import { Guard } from './guard.ts';
import { reasonOf } from './reason-of.ts';
import { removeTemporaryFolder } from './temporary-folder.ts';

/** Large enough that a full disk refuses it. */
const PROBE_BYTES = 1 << 16;
const MARK = '.run';

export class OutputFolder {
  readonly path: string;
  /** Where the pipeline writes results. */
  readonly staging: string;
  readonly #guard: Guard;

  private constructor(path: string, staging: string) {
    this.path = path;
    this.staging = staging;
    this.#guard = new Guard(staging);
  }

  /**
   * Makes the folder and tries to write there. Throws a {@link UsageError} if nothing can be written, and a
   * {@link CommandError} if the disk is full.
   */
  static async open(path: string): Promise<OutputFolder> {
    let folder: OutputFolder | null = null;
    try {
      await makeFolder(path);
      const staging = await mkdtemp(join(path, '.tessera-'));
      folder = new OutputFolder(path, staging);
      await writeFile(join(staging, MARK), '');
      await folder.#probe();
      return folder;
    } catch (error) {
      await folder?.close();
      const message = `--out ${path} cannot be written: ${reasonOf(error)}`;
      const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
      throw isFull ? new CommandError(message, { cause: error }) : new UsageError(message, { cause: error });
    }
  }

  /** Returns why nothing can be written there any more, or null. */
  async fault(): Promise<string | null> {
    if (!(await this.isThere())) return `--out ${this.path} was removed`;
    return this.#probe().then(
      () => null,
      (error: unknown) => `--out ${this.path} cannot be written: ${reasonOf(error)}`,
    );
  }

  /** Returns whether it is still the original folder. If it was removed, assemble makes it again without the mark. */
  async isThere(): Promise<boolean> {
    return stat(join(this.staging, MARK)).then(
      () => true,
      () => false,
    );
  }

  /** Returns the number of bytes of unfinished results. */
  async bytesInProgress(): Promise<number> {
    const names = await readdir(this.staging).catch(() => []);
    const sizes = names.map((name) =>
      stat(join(this.staging, name)).then(
        ({ size }) => size,
        () => 0, // It has been moved to its place meanwhile.
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  /** Moves the result `name` to its place, makes the folder if needed, and returns its path. */
  async place(name: string, output: string): Promise<string> {
    const target = join(this.path, output);
    try {
      await makeFolder(dirname(target));
      await rename(join(this.staging, name), target);
    } catch (error) {
      throw new Error(`${target} cannot be written: ${reasonOf(error)}`, { cause: error });
    }
    return target;
  }

  /** Removes what is only for the run. */
  async close(): Promise<void> {
    await removeTemporaryFolder(this.staging);
    this.#guard.release();
  }

  async #probe(): Promise<void> {
    const file = join(this.staging, '.probe');
    try {
      await writeFile(file, Buffer.alloc(PROBE_BYTES));
    } finally {
      await rm(file, { force: true });
    }
  }
}
