// Where images come from and go to: one interface, kept by a folder and by Redis. A name is one path segment, or
// several joined by `/` for inputs in folders.

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
