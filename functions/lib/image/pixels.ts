// The two shapes of pixels: Jimp's bitmap, and rectangles cut from it.

/**
 * Pixels in rows without padding: 4 bytes per pixel (RGBA, Jimp's `Bitmap`), or 3 bytes (RGB) if every pixel
 * is opaque. The length says which, see {@link channelsOf}.
 */
export interface Bitmap {
  data: Uint8Array;
  width: number;
  height: number;
}

/** A rectangle in pixels; `x` and `y` are its top left corner. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Channels = 3 | 4;

/**
 * Frees the memory of `bytes` at once; they cannot be used any more. Megabytes of pixels pass through a
 * process. If they are left to the garbage collector, they cost a seventh more CPU time and half as much
 * memory again. Bytes that share their memory with others are not freed.
 * The rule: free only what no thread and no socket can still read. zlib's threads, sockets and files read
 * bytes in place. They may continue to read after a stream was destroyed, a promise was rejected or a
 * connection was lost. If the memory is freed then, the process crashes, or the memory becomes another
 * image's pixels. So only two kinds of bytes may be freed:
 * - bytes that only this thread ever reads. Everything else that needs them gets a copy (as an upload's bytes
 * for zlib and Redis).
 * - bytes whose reader has finished: zlib's job has succeeded, or Redis has replied to the command.
 * If the reader failed, do not free the bytes. The garbage collector knows when the last reader is done.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  // Node 20, which may run the Jimp formats, cannot do this; there the garbage collector frees the memory.
  if (isWhole && 'transfer' in buffer && !buffer.detached) buffer.transfer(0);
}

/**
 * Returns the same bytes as a Buffer. Its `copy` can copy a part of a row without creating an object; `set`
 * needs one each time.
 */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Returns the bytes per pixel of `bitmap`. Throws a RangeError if the data's length fits neither RGB nor RGBA. */
export function channelsOf(bitmap: Bitmap): Channels {
  const pixels = bitmap.width * bitmap.height;
  if (bitmap.data.length === pixels * 4) return 4;
  if (bitmap.data.length === pixels * 3) return 3;
  throw new RangeError(
    `${bitmap.width}x${bitmap.height} pixels need ${pixels * 3} or ${pixels * 4} bytes, not ${bitmap.data.length}`,
  );
}

// V8 compiles accesses to buffers on the assumption that no buffer was ever detached, and discards that code
// when the first one is. So detach one now, before any code is hot. Later it could leave the PNG decoder slow
// for good.
freeBytes(new Uint8Array(1));
