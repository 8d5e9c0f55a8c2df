// Where images come from and go to: one interface, kept by a folder and by Redis. A name is one path segment, or
// several joined by `/` for inputs in folders.
import { Problem } from '../errors.ts';

export interface StoredFile {
  sizeBytes: number;
  /** Starts to read the bytes. */
  read(): AsyncIterable<Uint8Array>;
}

export interface Store {
  /** Names of the files at `path`: itself if it is a file, else all in that folder, sorted; '' is everything. */
  list(path: string): Promise<string[]>;
  /** The file's bytes in one piece. Throws Problem `not-found`, and `body-too-large` past `maxBytes`. */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
  /** The file as a stream of chunks, or null when there is none. */
  open(name: string): Promise<StoredFile | null>;
  /**
   * Writes a file as a whole: a reader sees the old file or the new one, never a part, and when it resolves the new
   * one is durable. What `chunks` throws leaves the old file as it was.
   */
  write(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Removes a file; one that is not there is no fault. */
  remove(name: string): Promise<void>;
}

/** Bytes; a chunk below is not worth a write of its own. */
const SMALL_CHUNK = 4096;

/** Chunks as they come, the small ones together with the next large one. */
export async function* inBatches(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  for await (const chunk of chunks) {
    batch.push(chunk);
    if (chunk.length < SMALL_CHUNK) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const SEGMENT = /^[A-Za-z0-9._-]+$/;
/** What an image may be called; its result's name is a little longer. */
const MAX_NAME = 128;
const MAX_SEGMENT = MAX_NAME + outputName('').length;

function isSegment(segment: string, maxLength: number): boolean {
  return SEGMENT.test(segment) && segment.length <= maxLength && segment !== '.' && segment !== '..';
}

/** Whether an image may be called `name`: letters, digits and `._-`, up to 128, and not a way up. */
export function isImageName(name: string): boolean {
  return isSegment(name, MAX_NAME);
}

/** Throws Problem `invalid-name` unless every segment of `path` may name a file or folder. '' is allowed. */
export function assertPath(path: string): void {
  if (path !== '' && !path.split('/').every((each) => isSegment(each, MAX_SEGMENT))) {
    throw new Problem(
      'invalid-name',
      `${JSON.stringify(path.slice(0, 200))} is not a name of letters, digits and ._- (at most 128 each part).`,
    );
  }
}

/** The name of the blurred image of `name`: `cats/tom.jpg` becomes `cats/tom_blurred.png`. */
export function outputName(name: string): string {
  return `${name.replace(/\.(png|jpe?g)$/i, '')}_blurred.png`;
}
