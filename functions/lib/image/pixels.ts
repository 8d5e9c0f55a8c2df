// The two shapes pixels travel in: Jimp's bitmap, and the rectangles cut from it.

/**
 * Pixels in rows without padding: 4 bytes a pixel (RGBA, Jimp's `Bitmap`) or, where every pixel is opaque,
 * 3 bytes (RGB). Which of the two follows from the length: see {@link channelsOf}.
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
 * Frees the memory of `bytes` at once; they cannot be used any more. Pixels pass through by the megabyte: left to the
 * garbage collector they cost a seventh more CPU time and half as much memory again. Bytes that share their memory with
 * others are left alone.
 *
 * The rule: free only what no thread and no socket can still see. zlib's threads, sockets and files read bytes where they
 * lie. They may go on reading after the stream was destroyed, the promise was rejected or the connection was lost, and
 * memory freed under them ends the process, or becomes someone else's pixels. So two kinds of bytes may be freed:
 * - bytes that only this thread ever reads. Whatever else needs them is given a copy (an upload's way to zlib and Redis).
 * - bytes whose reader has said that it is done: zlib's job has succeeded, or Redis has answered the command.
 * Where that failed, do not free: the garbage collector knows when the last reader has let go.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  // Node 20, where the Jimp formats may run, cannot; there it is left to the collector.
  if (isWhole && 'transfer' in buffer && !buffer.detached) buffer.transfer(0);
}

/** The same bytes as a Buffer: its `copy` takes a part of a row without an object for it, `set` wants one each. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes a pixel of `bitmap`. Throws a RangeError when the data's length fits neither RGB nor RGBA. */
export function channelsOf(bitmap: Bitmap): Channels {
  const pixels = bitmap.width * bitmap.height;
  if (bitmap.data.length === pixels * 4) return 4;
  if (bitmap.data.length === pixels * 3) return 3;
  throw new RangeError(
    `${bitmap.width}x${bitmap.height} pixels need ${pixels * 3} or ${pixels * 4} bytes, not ${bitmap.data.length}`,
  );
}

// V8 compiles accesses to buffers on the assumption that none was ever detached, and throws all of that code away when the
// first one is. Done now, while nothing is hot yet: later it can leave the PNG decoder slow for good.
freeBytes(new Uint8Array(1));
