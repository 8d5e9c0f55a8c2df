// The image data of a PNG as one stream of compressed bytes: its IDAT chunks, walked once, while it is inflated.
import { asBuffer } from '../pixels.ts';
import { chunkTypes, isIntact, isWhole, readChunks } from './chunks.ts';

/** Compressed bytes handed to zlib at a time. Writers cut image data into chunks of 8 KiB, or even of 1 byte. */
export const inputPiece = 1024 * 1024;
/** Chunks read between two pauses: half a millisecond's work. */
const chunksAtATime = 4096;

/**
 * The data of the consecutive IDAT chunks from `imageDataAt` on, in pieces of up to {@link inputPiece} bytes. The pieces
 * are copies: zlib's thread may still read one after the inflater was destroyed, when the file's memory may be freed.
 * Nothing comes from a chunk whose CRC is wrong, or after it. A chunk the file ends in has no CRC to check. Whether the
 * data suffices is for the reader to find out.
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
