// Undoes the filters of PNG rows (PNG specification, section 9). This takes a third of a decode's time, so it
// is optimised. Pixels of three or four bytes are read, restored and written as one 32-bit word. The pixel to
// the left stays in variables. `| 0` keeps indices in int32. Other pixels, and the last one of each row,
// where a word would reach too far, are restored byte by byte. In all functions `p` is a position in raw, `u`
// in above and `o` in out.
import { refusePng } from './refuse.ts';
import { addBytes, averageBytes } from './words.ts';
import { predict, undoPaethOfRgb, undoPaethOfRgba } from './paeth.ts';

/**
 * Restores one row of `length` bytes from `raw` at `from`, the position of its filter byte, to `out` at `to`.
 * The row above is in `above` at `aboveAt`; for the first row, pass zeros. `pixelBytes` is the distance to
 * the left neighbour: the bytes of a pixel, or 1 if a pixel has less than a byte. Throws `invalid-image` for
 * an unknown filter.
 */
export function unfilterRow(
  raw: DataView,
  from: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
  pixelBytes: number,
): void {
  const filter = raw.getUint8(from);
  const start = from + 1;
  if (filter === 0) copy(raw, start, out, to, length);
  else if (filter === 1) undoSub(raw, start, out, to, length, pixelBytes);
  else if (filter === 2) undoUp(raw, start, above, aboveAt, out, to, length);
  else if (filter === 3) undoAverage(raw, start, above, aboveAt, out, to, length, pixelBytes);
  else if (filter === 4) undoPaeth(raw, start, above, aboveAt, out, to, length, pixelBytes);
  else refusePng(`uses filter ${filter}, which does not exist`);
}

function copy(raw: DataView, p: number, out: DataView, o: number, length: number): void {
  const row = new Uint8Array(raw.buffer, raw.byteOffset + p, length);
  new Uint8Array(out.buffer, out.byteOffset + o, length).set(row);
}

function undoSub(
  raw: DataView,
  start: number,
  out: DataView,
  to: number,
  length: number,
  pixelBytes: number,
): void {
  let p = start | 0;
  let o = to | 0;
  const step = pixelBytes | 0;
  const end = (o + wordsOf(length, pixelBytes)) | 0;
  for (let left = 0; o < end; p = (p + step) | 0, o = (o + step) | 0) {
    left = addBytes(raw.getInt32(p, true), left);
    out.setInt32(o, left, true);
  }
  for (let i = o - to; i < length; i++) {
    out.setUint8(to + i, raw.getUint8(start + i) + leftOf(out, to, i, pixelBytes));
  }
}

function undoUp(
  raw: DataView,
  start: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
): void {
  let p = start | 0;
  let u = aboveAt | 0;
  let o = to | 0;
  const end = (o + length - 3) | 0;
  for (; o < end; p = (p + 4) | 0, u = (u + 4) | 0, o = (o + 4) | 0) {
    out.setInt32(o, addBytes(raw.getInt32(p, true), above.getInt32(u, true)), true);
  }
  for (let i = o - to; i < length; i++) {
    out.setUint8(to + i, raw.getUint8(start + i) + above.getUint8(aboveAt + i));
  }
}

function undoAverage(
  raw: DataView,
  start: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
  pixelBytes: number,
): void {
  let p = start | 0;
  let u = aboveAt | 0;
  let o = to | 0;
  const step = pixelBytes | 0;
  const end = (o + wordsOf(length, pixelBytes)) | 0;
  for (let left = 0; o < end; p = (p + step) | 0, u = (u + step) | 0, o = (o + step) | 0) {
    left = addBytes(raw.getInt32(p, true), averageBytes(left, above.getInt32(u, true)));
    out.setInt32(o, left, true);
  }
  for (let i = o - to; i < length; i++) {
    const average = (leftOf(out, to, i, pixelBytes) + above.getUint8(aboveAt + i)) >> 1;
    out.setUint8(to + i, raw.getUint8(start + i) + average);
  }
}

function undoPaeth(
  raw: DataView,
  start: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
  pixelBytes: number,
): void {
  const words = wordsOf(length, pixelBytes);
  if (pixelBytes === 3) undoPaethOfRgb(raw, start, above, aboveAt, out, to, words);
  else if (pixelBytes === 4) undoPaethOfRgba(raw, start, above, aboveAt, out, to, words);
  for (let i = words; i < length; i++) {
    const upLeft = i < pixelBytes ? 0 : above.getUint8(aboveAt + i - pixelBytes);
    const predicted = predict(leftOf(out, to, i, pixelBytes), above.getUint8(aboveAt + i), upLeft);
    out.setUint8(to + i, raw.getUint8(start + i) + predicted);
  }
}

/** Returns how many of a row's bytes are restored as words: all but the last pixel, or none. */
function wordsOf(length: number, pixelBytes: number): number {
  return pixelBytes === 3 || pixelBytes === 4 ? length - pixelBytes : 0;
}

/** Returns the byte to the left of byte `i` of the row at `to`. */
function leftOf(out: DataView, to: number, i: number, pixelBytes: number): number {
  return i < pixelBytes ? 0 : out.getUint8(to + i - pixelBytes);
}
