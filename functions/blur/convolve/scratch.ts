// The memory the passes work in, one set a thread: an image is convolved in blocks of at most BLOCK × BLOCK pixels, so
// that neither a big image nor a big kernel needs more. The passes make their own views on these buffers: only a
// typed array that is a constant of the module it is used in has its address compiled into the loop.

/** Side of the largest block, in pixels. */
export const BLOCK = 256;

/** Pixels, or rows, that the unrolled loops may run over the end of a line. What they make there is not used. */
const OVERRUN = 4;

/** Side of the largest window: a block with the widest halo on both sides. */
const WINDOW = BLOCK + 254;

/** Pixels of a window, row after row without padding: 4 bytes each, or 3 where all are opaque. */
export const rgbaWindow = new ArrayBuffer((WINDOW * WINDOW + OVERRUN) * 4);
export const rgbWindow = new ArrayBuffer((WINDOW * WINDOW + OVERRUN) * 3);

/** One line of a window, its colours multiplied by their alpha: 64-bit floats, 4 to a pixel. */
export const rgbaLine = new ArrayBuffer((WINDOW + OVERRUN) * 4 * 8);

// A stride that is an odd number of cache lines spreads a column over the cache; a power of two halves the speed.

/** Numbers from one row of `rows` to the next, where pixels have 3 or 4 samples. */
export const RGB_ROW = BLOCK * 3 + 8;
export const RGBA_ROW = BLOCK * 4 + 8;

/** What the horizontal pass makes of the window's rows, and the vertical pass reads: 64-bit floats. */
export const rows = new ArrayBuffer((WINDOW + OVERRUN) * RGBA_ROW * 8);

/** Bytes from one row of `result` to the next. */
export const RESULT_ROW = BLOCK * 4 + 64;

/** The block's blurred pixels: as many bytes each as the answer has. */
export const result = new ArrayBuffer((BLOCK + OVERRUN) * RESULT_ROW);

/** Where in `result` pixels begin whose rounding is in doubt, as a vertical pass found them; some stand here twice. */
export const doubtfulPixels = new Int32Array((BLOCK + OVERRUN) * 4);

/** A kind of typed array. */
interface ViewType<View> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): View;
}

/**
 * Views on `buffer` that serve an unrolled loop: of `places` places `step` elements apart, `samples` neighbours each.
 * They are equally long, so that one index, checked once, serves all of them.
 *
 * Read bytes by Uint8ClampedArrays and write them, whole numbers of which the lowest eight bits count, by Int8Arrays:
 * of Uint8Array Node has a subclass, Buffer, so V8 would look at every access whether the view is still what it was.
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
