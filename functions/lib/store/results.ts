// The finished images. Several images may have the same output name, but nobody ever gets another image's
// pixels (docs/adr/0008-results-name-their-image.md).
import type { Log } from '../log.ts';
import type { OpenFile } from './store.ts';

/** An image's result: its own open file, or the reason why there is none. */
export type FoundResult =
  | { is: 'own'; file: OpenFile }
  /** `by`: the image whose result has replaced it, or null if the file there is not a result. */
  | { is: 'replaced'; by: string | null }
  | { is: 'missing' };

export interface Results {
  /** Returns where the result of image `id` with the name `output` is stored. */
  placeOf(id: string, output: string): string;
  /** Looks for the result of image `id` at `place`. If it is found, the caller must close the file. */
  open(id: string, place: string): Promise<FoundResult>;
  /**
   * Writes the result of image `id` to `place`, as a whole. `chunks` must be labelled with the id. Returns the image whose result
   * was there before, or null if there was none of another image.
   */
  write(id: string, place: string, chunks: AsyncIterable<Uint8Array>): Promise<string | null>;
  /** Removes the result of image `id` from `place`. Any other file stays. Returns whether one was removed. */
  remove(id: string, place: string): Promise<boolean>;
  /** Removes results that are older than RESULT_TTL_S, a limited number at a time. */
  expire(): Promise<void>;
}

/** Returns whether the result of image `id` is at `place`. */
export async function hasResult(results: Pick<Results, 'open'>, id: string, place: string): Promise<boolean> {
  const found = await results.open(id, place);
  if (found.is === 'own') await found.file.close();
  return found.is === 'own';
}

/** Removes some old results after a request was answered. A fault is only logged. */
export async function expireResults(results: Results, log: Log): Promise<void> {
  try {
    await results.expire();
  } catch (error) {
    log.warn('Old results could not be removed', { error });
  }
}
