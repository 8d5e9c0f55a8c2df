// Inflates the image data of a PNG on a libuv thread, only as far ahead as the reader needs, and never beyond
// the length in the header. So a small file that would inflate without end costs one chunk.
import { Readable, pipeline } from 'node:stream';
import { constants, createInflate } from 'node:zlib';
import { freeBytes } from '../pixels.ts';
import { inputPiece, readImageData } from './image-data.ts';
import { refusePng } from './refuse.ts';

/**
 * Bytes inflated at a time. Each chunk wakes the thread, so chunks are large. The data of a small image is
 * cut into several chunks, so that unfiltering can start early.
 */
const outputChunk = 1024 * 1024;
const leastChunks = 8;
const smallestChunk = 64 * 1024;
/** Chunks inflated ahead of the reader. */
const chunksAhead = 2;
/** Pieces queued in zlib's stream, so that its thread continues while this one unfilters. */
const piecesAhead = 3;

const streamOptions = {
  // In object mode chunks are read one by one. Otherwise those that wait would be joined with a copy.
  readableObjectMode: true,
  readableHighWaterMark: chunksAhead,
  writableHighWaterMark: piecesAhead * inputPiece,
  // A stream that ends early is not an error here: it only matters whether all rows are present.
  finishFlush: constants.Z_SYNC_FLUSH,
};

/** zlib's errors for damaged data, and for data that needs a dictionary. Other errors are not the image's fault. */
const dataErrors = new Set<unknown>(['Z_DATA_ERROR', 'Z_NEED_DICT']);

/**
 * Yields the filtered rows of a PNG whose first IDAT is at `imageDataAt`, as consecutive buffers of `length`
 * bytes in total. Each buffer is only valid until the next one is requested. Data after them is ignored.
 * Throws `invalid-image` if the data is damaged or too short. The last rows are held back until zlib has
 * compared its checksum. Leaving the loop early frees the inflater.
 */
export async function* inflateRows(
  bytes: Uint8Array,
  imageDataAt: number,
  length: number,
): AsyncGenerator<Buffer> {
  const source = Readable.from(readImageData(bytes, imageDataAt));
  const chunkSize = Math.min(outputChunk, Math.max(smallestChunk, Math.ceil(length / leastChunks)));
  const inflater = createInflate({ ...streamOptions, chunkSize });
  // Errors of the source destroy the inflater, so the loop below throws them.
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
