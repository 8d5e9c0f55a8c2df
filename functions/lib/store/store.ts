// Where images come from and go to. A name is one path segment, or several joined by `/` for inputs in
// folders.
import type { SkippedFile } from './find-images.ts';

/** How many of a file's first bytes are read when it is opened. */
export const HEAD_BYTES = 128;

/** An open file. Size, head and bytes belong to one version of it, even if it is replaced meanwhile. */
export interface OpenFile {
  readonly sizeBytes: number;
  /** A short text that changes whenever the file is written again. */
  readonly version: string;
  /** Reads the bytes, once. Throws rather than end early or continue with another version's bytes. */
  read(): AsyncIterable<Uint8Array>;
  /** Must be called, also after a read. */
  close(): Promise<void>;
}

export interface StoredFile extends OpenFile {
  /** Its first {@link HEAD_BYTES} bytes, or all of them. */
  readonly head: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** The content of a folder. Each part is sorted. */
export interface Listing {
  names: string[];
  /** Files that were not accepted as images, with the reason. */
  skipped: SkippedFile[];
}

export interface Inputs {
  /**
   * Returns the files at `path`: the file itself, or all files in that folder; '' is everything. Throws
   * Problem `not-found`.
   */
  list(path: string): Promise<Listing>;
  /** Returns the file's bytes in one piece. Throws Problem `not-found`, and `body-too-large` above `maxBytes`. */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
  /**
   * Returns what is stored under exactly this key, whose accents may be stored in any way. Throws as `read` does. A store without
   * objects that events could name does not have this.
   */
  readObject?(key: string, maxBytes: number): Promise<StoredObject>;
}

/** One version of an object. */
export interface StoredObject {
  bytes: Uint8Array;
  /** What its writer stored with these bytes, by names in lower case; null if the store has no such facts. */
  metadata: Record<string, string> | null;
  /** Without quotes; null if the store has none. */
  etag: string | null;
}

export interface Store extends Inputs {
  /** Opens the file. Returns null if there is none. */
  open(name: string): Promise<StoredFile | null>;
  /**
   * Writes a file as a whole: a reader sees the old file or the new one, never a part. When it resolves, the
   * new file is durable. If `chunks` throws, the old file is unchanged. Removes unfinished files of an
   * earlier writer with the same name and `writer`, unless the storage itself removes them.
   */
  write(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    writer?: string,
  ): Promise<void>;
  /**
   * Removes a file if `isMeant` returns true for it, or always without `isMeant`. Returns whether one was
   * removed. A missing file is not an error.
   */
  remove(name: string, isMeant?: (file: StoredFile) => boolean): Promise<boolean>;
  /** Yields all files, in no particular order. */
  walk(): AsyncGenerator<WalkedFile>;
}

export interface WalkedFile {
  name: string;
  /** Milliseconds since the epoch, if the store knows it without opening the file. */
  writtenAt?: number;
}

/** Chunks with fewer bytes are not written alone. */
const SMALL_CHUNK = 4096;

/** Yields chunks as they come; small ones together with the next large one. */
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

/**
 * Yields `chunks` as they come. Throws unless they add up to `sizeBytes`, because the caller was promised
 * that many.
 */
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
