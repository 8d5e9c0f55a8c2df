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
 * Gives the memory of `bytes` back at once; they cannot be used any more. Pixels pass through by the megabyte, and left to
 * the garbage collector they make it run every few dozen tiles. Bytes that share their memory with others are left alone.
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
