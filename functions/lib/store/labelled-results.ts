// Results as files named after their images. Each file names its image.
import { labelOf } from '../image/label.ts';
import { isResultFile, pathFault } from './names.ts';
import type { FoundResult, Results } from './results.ts';
import type { Store, WalkedFile } from './store.ts';

/** Files checked in one step. Each written result causes two steps, so all files are checked sooner or later. */
const FILES_PER_STEP = 100;

export class LabelledResults implements Results {
  readonly #store: Store;
  readonly #ttlS: number;
  /** The iteration over all files, which continues where the last step stopped. */
  #walk: AsyncGenerator<WalkedFile> | null = null;
  #isExpiring = false;

  /** Keeps results in `store` for `ttlS` seconds each; 0 means for ever. */
  constructor(store: Store, ttlS: number) {
    this.#store = store;
    this.#ttlS = ttlS;
  }

  placeOf(_id: string, output: string): string {
    return output;
  }

  async open(id: string, place: string): Promise<FoundResult> {
    const file = await this.#store.open(place);
    if (file === null) return { is: 'missing' };
    const owner = labelOf(file.head);
    if (owner === id) return { is: 'own', file };
    await file.close();
    return { is: 'replaced', by: owner };
  }

  async write(id: string, place: string, chunks: AsyncIterable<Uint8Array>): Promise<string | null> {
    const reading = this.#otherAt(id, place).catch(() => null); // A result that cannot be read can still be replaced.
    await this.#store.write(place, endingAfter(reading, chunks), id);
    return reading;
  }

  /** Returns the other image whose result is at `place`, or null. */
  async #otherAt(id: string, place: string): Promise<string | null> {
    const found = await this.open(id, place);
    if (found.is === 'own') await found.file.close();
    return found.is === 'replaced' ? found.by : null;
  }

  async remove(id: string, place: string): Promise<boolean> {
    return this.#store.remove(place, ({ head }) => labelOf(head) === id);
  }

  async expire(): Promise<void> {
    if (this.#ttlS === 0 || this.#isExpiring) return;
    this.#isExpiring = true;
    try {
      await this.#step();
    } catch (error) {
      this.#walk = null; // A folder may vanish meanwhile; the next step starts again.
      throw error;
    } finally {
      this.#isExpiring = false;
    }
  }

  async #step(): Promise<void> {
    this.#walk ??= this.#store.walk();
    for (let looked = 0; looked < FILES_PER_STEP; looked++) {
      const { value: file, done } = await this.#walk.next();
      if (done) {
        this.#walk = null;
        return;
      }
      const { name, writtenAt } = file;
      if (writtenAt !== undefined && !this.#isOld(writtenAt)) continue;
      // Only files with the name of a result are opened, and only those with our label can be removed.
      if (isResultFile(name) && pathFault(name) === null) {
        await this.#store.remove(name, (file) => labelOf(file.head) !== null && this.#isOld(file.writtenAt));
      }
    }
  }

  #isOld(writtenAt: number): boolean {
    return writtenAt + this.#ttlS * 1000 < Date.now();
  }
}

/** Yields the chunks, and ends only when `reading` is over, so that a store replaces no file that is still being read. */
async function* endingAfter(
  reading: Promise<unknown>,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  await reading;
}
