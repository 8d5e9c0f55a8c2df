// Where images come from and go to. A name is one path segment, or several joined by `/` for inputs in folders.
import type { SkippedFile } from './find-images.ts';

/** How many of a file's first bytes come with it. */
export const HEAD_BYTES = 128;

/** A file that is open: size, head and bytes are those of one version of it, whatever takes its place meanwhile. */
export interface OpenFile {
  readonly sizeBytes: number;
  /** A short text that differs whenever the file was written anew. */
  readonly version: string;
  /** Reads the bytes, once. Throws rather than end early or go on with those of another version. */
  read(): AsyncIterable<Uint8Array>;
  /** Must be called, also after a read. */
  close(): Promise<void>;
}

export interface StoredFile extends OpenFile {
  /** Its first bytes, {@link HEAD_BYTES} of them or all there are. */
  readonly head: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** What a folder holds, each part sorted. */
export interface Listing {
  names: string[];
  /** What is there but was not taken for an image, with the reason. */
  skipped: SkippedFile[];
}

export interface Inputs {
  /** The files at `path`: itself if it is a file, else all in that folder; '' is everything. Throws Problem `not-found`. */
  list(path: string): Promise<Listing>;
  /** The file's bytes in one piece. Throws Problem `not-found`, and `body-too-large` past `maxBytes`. */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
}

export interface Store extends Inputs {
  /** Opens the file; null when there is none. */
  open(name: string): Promise<StoredFile | null>;
  /**
   * Writes a file as a whole: a reader sees the old file or the new one, never a part, and when it resolves the new
   * one is durable. What `chunks` throws leaves the old file as it was. Clears away what an earlier writer of the same
   * name and `writer` left unfinished.
   */
  write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    writer?: string,
  ): Promise<void>;
  /**
   * Removes a file if `isMeant` says so of it, or in any case without. Returns whether one was removed; one that is not
   * there is no fault.
   */
  remove(name: string, isMeant?: (file: StoredFile) => boolean): Promise<boolean>;
  /** The names of all files, one after another, as they come. */
  walk(): AsyncGenerator<string>;
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

/** `chunks` as they come. Throws unless they add up to `sizeBytes`: a caller was told that many would come. */
export async function* wholeOf(
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  for await (const chunk of chunks) {
    left -= chunk.length;
    yield chunk;
  }
  if (left !== 0) throw new Error('The file changed while it was read');
}
