// The memory that the passes work in, one set per thread. An image is convolved in blocks of at most BLOCK × BLOCK pixels,
// so a large image or a large kernel needs no more memory. The passes make their own views on these buffers: V8 compiles
// the address of a typed array into a loop only if the array is a constant of the same module.

/** Side of the largest block, in pixels. */
export const BLOCK = 256;

/** How many pixels or rows the unrolled loops may run past the end of a line. What they write there is not used. */
const OVERRUN = 4;

/** Side of the largest window: a block with the widest halo on both sides. */
const WINDOW = BLOCK + 254;

/** Pixels of a window, row after row without padding: 4 bytes each, or 3 where all are opaque. */
export const rgbaWindow = new ArrayBuffer((WINDOW * WINDOW + OVERRUN) * 4);
export const rgbWindow = new ArrayBuffer((WINDOW * WINDOW + OVERRUN) * 3);

/** One line of a window, its colours multiplied by their alpha: 64-bit floats, 4 to a pixel. */
export const rgbaLine = new ArrayBuffer((WINDOW + OVERRUN) * 4 * 8);

// A row length that is an odd number of cache lines spreads a column over the cache. A power of two would halve the speed.

/** Elements from one row of `rows` to the next, for pixels of 3 and of 4 samples. */
export const RGB_ROW = BLOCK * 3 + 8;
export const RGBA_ROW = BLOCK * 4 + 8;

/** The output of the horizontal pass and the input of the vertical pass: 64-bit floats. */
export const rows = new ArrayBuffer((WINDOW + OVERRUN) * RGBA_ROW * 8);

/** Bytes from one row of `result` to the next. */
export const RESULT_ROW = BLOCK * 4 + 64;

/** The blurred pixels of the block, with as many bytes per pixel as the result has. */
export const result = new ArrayBuffer((BLOCK + OVERRUN) * RESULT_ROW);

/** Offsets in `result` of the pixels whose rounding is in doubt, in the order found. A pixel may be listed twice. */
export const doubtfulPixels = new Int32Array((BLOCK + OVERRUN) * 4);

/** A kind of typed array. */
interface ViewType<View> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): View;
}

/**
 * Returns views on `buffer` for an unrolled loop: `places` groups of views, `step` elements apart, with `samples`
 * neighbouring views in each group. All views have the same length, so one bounds check of one index serves all of them.
 *
 * Use Uint8ClampedArray to read bytes and Int8Array to write them (only the lowest eight bits of a number count). Do not
 * use Uint8Array: Node has a subclass of it, Buffer, so V8 would check the type of the view at every access.
 */
export function viewsOn<View>(
  buffer: ArrayBuffer,
  type: ViewType<View>,
  places: number,
  step: number,
  samples: number,
): View[] {
  const offsets = Array.from(
    { length: places * samples },
    (_, i) => Math.floor(i / samples) * step + (i % samples),
  );
  const size = type.BYTES_PER_ELEMENT;
  const length = Math.floor(buffer.byteLength / size) - Math.max(...offsets);
  return offsets.map((offset) => new type(buffer, offset * size, length));
}
