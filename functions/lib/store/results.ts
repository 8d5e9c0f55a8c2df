// The finished images. Several images may want the same output name, but nobody is ever handed another image's pixels
// (docs/adr/0008-results-name-their-image.md).
import type { Log } from '../log.ts';
import type { OpenFile } from './store.ts';

/** An image's result: its own file, open; or the reason why it has none. */
export type FoundResult =
  | { is: 'own'; file: OpenFile }
  /** `by`: the image whose result has taken the place; null when the file there is no result of any image. */
  | { is: 'replaced'; by: string | null }
  | { is: 'missing' };

export interface Results {
  /** Where the result of image `id` goes that is to be called `output`. */
  placeOf(id: string, output: string): string;
  /** Looks for the result of image `id` at `place`. An own file must be closed. */
  open(id: string, place: string): Promise<FoundResult>;
  /** Puts the result of image `id` at `place`, as a whole. `chunks` must be labelled with the id. */
  write(id: string, place: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes the result of image `id` from `place`; a file of any other origin stays. Returns whether one was removed. */
  remove(id: string, place: string): Promise<boolean>;
  /** Does one bounded step of removing results that are older than RESULT_TTL_S. */
  expire(): Promise<void>;
}

/** Whether the result of image `id` is at `place`. */
export async function hasResult(results: Results, id: string, place: string): Promise<boolean> {
  const found = await results.open(id, place);
  if (found.is === 'own') await found.file.close();
  return found.is === 'own';
}

/** Lets some old results go, after a request was answered: a fault on the way is nobody's but the log's. */
export async function expireResults(results: Results, log: Log): Promise<void> {
  try {
    await results.expire();
  } catch (error) {
    log.warn('Old results could not be removed', { error });
  }
}
