// Image data of a PNG, inflated on a libuv thread no further ahead than its reader needs, and never beyond the length
// the header promises: a small file that inflates without end costs one chunk.
import { Readable, pipeline } from 'node:stream';
import { constants, createInflate } from 'node:zlib';
import { freeBytes } from '../pixels.ts';
import { inputPiece, readImageData } from './image-data.ts';
import { refusePng } from './refuse.ts';

/**
 * Bytes inflated at a time, no fewer, as each wakes the thread; but the data of a small image is cut into so many, that
 * unfiltering them need not wait for long.
 */
const outputChunk = 1024 * 1024;
const leastChunks = 8;
const smallestChunk = 64 * 1024;
/** Chunks inflated ahead of the reader. */
const chunksAhead = 2;
/** Pieces waiting inside zlib's stream, so that its thread goes from one to the next while this one unfilters. */
const piecesAhead = 3;

const streamOptions = {
  // Object mode hands chunks out one by one; else those that wait would be joined by a copy.
  readableObjectMode: true,
  readableHighWaterMark: chunksAhead,
  writableHighWaterMark: piecesAhead * inputPiece,
  // A stream that stops early is no error of its own: what counts is whether all rows are there.
  finishFlush: constants.Z_SYNC_FLUSH,
};

/** What zlib says of data that is damaged or asks for a dictionary. Other errors are no fault of the image. */
const dataErrors = new Set<unknown>(['Z_DATA_ERROR', 'Z_NEED_DICT']);

/**
 * The filtered rows of a PNG whose first IDAT is at `imageDataAt` as consecutive buffers, `length` bytes in all; each is
 * gone once the next is asked for. Data beyond them is ignored. Throws `invalid-image` when the data is damaged or too
 * short; the last rows are held back until zlib's checksum has been compared. Leaving the loop early frees the inflater.
 */
export async function* inflateRows(
  bytes: Uint8Array,
  imageDataAt: number,
  length: number,
): AsyncGenerator<Buffer> {
  const source = Readable.from(readImageData(bytes, imageDataAt));
  const chunkSize = Math.min(outputChunk, Math.max(smallestChunk, Math.ceil(length / leastChunks)));
  const inflater = createInflate({ ...streamOptions, chunkSize });
  // Errors of the source destroy the inflater and so reach the loop below.
  pipeline(source, inflater, () => {});
  let inflated = 0;
  let last: Buffer | undefined;
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) {
      if (last !== undefined) break;
      inflated += chunk.length;
      if (inflated >= length) {
        last = chunk.subarray(0, chunk.length - (inflated - length));
        if (inflated > length) break;
        continue;
      }
      yield chunk;
      freeBytes(chunk);
    }
    if (last === undefined) refusePng(`holds ${inflated} of ${length} bytes of undamaged image data`);
    yield last;
    freeBytes(last);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && dataErrors.has(cause.code))) throw cause;
    refusePng('is damaged: its image data cannot be inflated', cause);
  } finally {
    source.destroy();
    inflater.destroy();
  }
}
