// The image data of a PNG as one stream of compressed bytes. Its IDAT chunks are read once, while the data is
// inflated.
import { asBuffer } from '../pixels.ts';
import { chunkTypes, isIntact, isWhole, readChunks } from './chunks.ts';

/** Compressed bytes passed to zlib at a time. Encoders cut image data into chunks of 8 KiB, or even of 1 byte. */
export const inputPiece = 1024 * 1024;
/** Chunks read before a pause: about half a millisecond of work. */
const chunksAtATime = 4096;

/**
 * Yields the data of the consecutive IDAT chunks from `imageDataAt` on, in pieces of up to {@link inputPiece}
 * bytes. The pieces are copies, because zlib's thread may still read one after the inflater was destroyed,
 * when the file's memory may already be freed. A chunk with a wrong CRC ends the data. If the file ends
 * inside a chunk, that chunk has no CRC to check. The reader finds out whether there is enough data.
 */
export async function* readImageData(bytes: Uint8Array, imageDataAt: number): AsyncGenerator<Uint8Array> {
  const source = asBuffer(bytes);
  let piece = Buffer.alloc(0);
  let filled = 0;
  let chunks = 0;
  for (const chunk of readChunks(bytes, imageDataAt)) {
    const isDamaged = isWhole(bytes, chunk) && !isIntact(bytes, chunk);
    if (chunk.type !== chunkTypes.IDAT || isDamaged) break;
    const end = Math.min(chunk.end, bytes.length);
    for (let at = chunk.start; at < end;) {
      if (filled === 0) piece = Buffer.allocUnsafeSlow(Math.min(inputPiece, bytes.length - at));
      const copied = source.copy(piece, filled, at, end);
      at += copied;
      filled += copied;
      if (filled < piece.length) continue;
      yield piece;
      filled = 0;
    }
    if (++chunks % chunksAtATime === 0) await new Promise(setImmediate);
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
