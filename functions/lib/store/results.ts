// The finished images. Several images may want the same output name; each file says whose result it is, so that nobody is
// ever handed another image's pixels (docs/adr).
import { labelOf } from '../image/png/label.ts';
import type { Store, StoredFile } from './store.ts';

/** An image's result: its own file, open; or the reason why it has none. */
export type FoundResult =
  | { is: 'own'; file: StoredFile }
  /** `by`: the image whose result has taken the place; null when the file there is no result of any image. */
  | { is: 'replaced'; by: string | null }
  | { is: 'missing' };

export class Results {
  readonly #store: Store;
  readonly #isById: boolean;

  /** Keeps results in `store`; `isById`: each under its image's id, where results of one name do not meet. */
  constructor(store: Store, isById: boolean) {
    this.#store = store;
    this.#isById = isById;
  }

  /** Where the result of image `id` goes that is to be called `output`. */
  placeOf(id: string, output: string): string {
    return this.#isById ? `${id}/${output}` : output;
  }

  /** Looks for the result of image `id` at `place`. An own file must be closed. */
  async open(id: string, place: string): Promise<FoundResult> {
    const file = await this.#store.open(place);
    if (file === null) return { is: 'missing' };
    const owner = labelOf(file.head);
    if (owner === id) return { is: 'own', file };
    await file.close();
    return { is: 'replaced', by: owner };
  }

  /** Whether the result of image `id` is at `place`. */
  async has(id: string, place: string): Promise<boolean> {
    const found = await this.open(id, place);
    if (found.is === 'own') await found.file.close();
    return found.is === 'own';
  }

  /** Puts the result of image `id` at `place`, as a whole. `chunks` must be labelled with the id. */
  async write(id: string, place: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store.write(place, chunks, id);
  }

  /** Removes the result of image `id` from `place`; a file of any other origin stays. Returns whether one was removed. */
  async remove(id: string, place: string): Promise<boolean> {
    return this.#store.remove(place, (file) => labelOf(file.head) === id);
  }
}
