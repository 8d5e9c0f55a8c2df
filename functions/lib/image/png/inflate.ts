// Image data of a PNG, inflated on a libuv thread no further ahead than its reader needs, and never beyond the length
// the header promises: a small file that inflates without end costs one chunk.
import { Readable, pipeline } from 'node:stream';
import { createInflate } from 'node:zlib';
import { Problem } from '../../errors.ts';
import { freeBytes } from '../pixels.ts';
import { checkCrc, chunkTypes, readChunks } from './chunks.ts';

/**
 * Bytes inflated at a time, no fewer, as each wakes the thread; but the data of a small image is cut into so many, that
 * unfiltering them need not wait for long.
 */
const outputChunk = 1024 * 1024;
const leastChunks = 8;
const smallestChunk = 64 * 1024;
/** Chunks inflated ahead of the reader. */
const chunksAhead = 2;
/** Compressed bytes handed to zlib at a time. Writers cut image data into pieces of 8 KiB, or even of 1 byte. */
const inputPiece = 1024 * 1024;
/** Pieces waiting inside zlib's stream, so that its thread goes from one to the next while this one unfilters. */
const piecesAhead = 3;

const streamOptions = {
  // Object mode hands chunks out one by one; else those that wait would be joined by a copy.
  readableObjectMode: true,
  readableHighWaterMark: chunksAhead,
  writableHighWaterMark: piecesAhead * inputPiece,
};

/** What zlib says of data that is damaged, cut off or asks for a dictionary. Other errors are no fault of the image. */
const dataErrors = new Set<unknown>(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT']);

/**
 * The filtered rows of a PNG as consecutive buffers, `length` bytes in all; each is gone once the next is asked for.
 * Throws `invalid-image` when the data is damaged, or is longer or shorter than that. Leaving the loop early frees the
 * inflater.
 */
export async function* inflateImageData(bytes: Uint8Array, length: number): AsyncGenerator<Buffer> {
  const source = Readable.from(compressedPieces(bytes));
  const chunkSize = Math.min(outputChunk, Math.max(smallestChunk, Math.ceil(length / leastChunks)));
  const inflater = createInflate({ ...streamOptions, chunkSize });
  // Errors of the source destroy the inflater and so reach the loop below.
  pipeline(source, inflater, () => {});
  let inflated = 0;
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) {
      inflated += chunk.length;
      if (inflated > length) throw new Problem('invalid-image', `The PNG holds more than its header says`);
      yield chunk;
      freeBytes(chunk);
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && dataErrors.has(cause.code))) throw cause;
    throw new Problem('invalid-image', 'The PNG is damaged: its image data cannot be inflated', { cause });
  } finally {
    source.destroy();
    inflater.destroy();
  }
  if (inflated < length) {
    throw new Problem('invalid-image', `The PNG holds ${inflated} of ${length} bytes of image data`);
  }
}

/**
 * All image data, cut and joined to pieces of about {@link inputPiece}; each chunk's CRC is checked on the way. The pieces
 * are copies: zlib's thread may still read one after the inflater was destroyed, when the file's memory may be freed.
 */
function* compressedPieces(bytes: Uint8Array): Generator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingLength = 0;
  for (const chunk of readChunks(bytes)) {
    if (chunk.type !== chunkTypes.IDAT) continue;
    checkCrc(bytes, chunk);
    for (let at = chunk.start; at < chunk.end; at += inputPiece) {
      const piece = bytes.subarray(at, Math.min(at + inputPiece, chunk.end));
      pending.push(piece);
      pendingLength += piece.length;
      if (pendingLength < inputPiece) continue;
      yield Buffer.concat(pending);
      pending = [];
      pendingLength = 0;
    }
  }
  if (pendingLength > 0) yield Buffer.concat(pending);
}
