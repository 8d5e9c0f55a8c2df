// The outcome of one image of a run.
import type { RunImage } from './inputs.ts';
import type { ImageStatus } from './split-client.ts';

export interface ImageResult {
  id: string | null;
  /** The file it was read from. */
  input: string;
  name: string;
  width: number | null;
  height: number | null;
  tiles: number;
  done: number;
  /**
   * `done`, `failed`, `cancelled`, `refused` (not accepted), `incomplete` (tiles were lost), `unfinished`
   * (the run ended before) or `not started`.
   */
  state: string;
  ms: number;
  /** The file of its result; null if there is none. */
  output: string | null;
  error: string | null;
}

/** Returns the result of an image that split has accepted. */
export function resultOf(
  { id, name, width, height, tiles, done, status, error }: ImageStatus,
  { input }: RunImage,
  output: string | null,
  ms: number,
): ImageResult {
  return { id, input, name, width, height, tiles, done, state: status, ms, output, error };
}

/** Returns the result of an image that split has not accepted. */
export function notTaken({ input, name }: RunImage, state: string, error: string, ms = 0): ImageResult {
  const nothing = { id: null, width: null, height: null, tiles: 0, done: 0, output: null };
  return { ...nothing, input, name, state, ms, error };
}
