// Results as files called after their images. Each says whose result it is.
import { labelOf } from '../image/png/label.ts';
import { isResultFile, pathFault } from './names.ts';
import type { FoundResult, Results } from './results.ts';
import type { Store } from './store.ts';

/** Files looked at in one step. A result written makes for two steps, so all are looked at in time. */
const FILES_PER_STEP = 100;

export class LabelledResults implements Results {
  readonly #store: Store;
  readonly #ttlS: number;
  /** The walk over all files goes on where the last step left it. */
  #walk: AsyncGenerator<string> | null = null;
  #isExpiring = false;

  /** Keeps results in `store`, each for `ttlS` seconds; 0 is for ever. */
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

  async write(id: string, place: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store.write(place, chunks, id);
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
      this.#walk = null; // A folder may go while it is walked; the next step begins anew.
      throw error;
    } finally {
      this.#isExpiring = false;
    }
  }

  async #step(): Promise<void> {
    this.#walk ??= this.#store.walk();
    for (let looked = 0; looked < FILES_PER_STEP; looked++) {
      const { value: name, done } = await this.#walk.next();
      if (done) {
        this.#walk = null;
        return;
      }
      // Only results are opened, and only those that are labelled as ours can be removed.
      if (isResultFile(name) && pathFault(name) === null) {
        await this.#store.remove(name, (file) => labelOf(file.head) !== null && this.#isOld(file.writtenAt));
      }
    }
  }

  #isOld(writtenAt: number): boolean {
    return writtenAt + this.#ttlS * 1000 < Date.now();
  }
}
