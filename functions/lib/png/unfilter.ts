// Undoes the filters of PNG rows (PNG specification, section 9).
import { Problem } from '../errors.ts';
import {
  predict,
  undoAverage3,
  undoAverage4,
  undoPaeth3,
  undoPaeth4,
  undoSub3,
  undoSub4,
} from './unfilter-true-color.ts';

/**
 * Restores one row of `length` bytes from `raw` at `from`, where its filter byte stands, to `out` at `to`. The row
 * above is in `above` at `aboveAt`; for the first row, give zeros. `pixelBytes` is the way to the left neighbour: the
 * bytes of a pixel, or 1 when it has less. Throws `invalid-image` for an unknown filter.
 */
export function unfilterRow(
  raw: Buffer,
  from: number,
  above: Buffer,
  aboveAt: number,
  out: Buffer,
  to: number,
  length: number,
  pixelBytes: number,
): void {
  const filter = raw[from];
  const start = from + 1;
  switch (filter) {
    case 0:
      raw.copy(out, to, start, start + length);
      break;
    case 1:
      if (pixelBytes === 3) undoSub3(raw, start, out, to, length);
      else if (pixelBytes === 4) undoSub4(raw, start, out, to, length);
      else undoSub(raw, start, out, to, length, pixelBytes);
      break;
    case 2:
      undoUp(raw, start, above, aboveAt, out, to, length);
      break;
    case 3:
      if (pixelBytes === 3) undoAverage3(raw, start, above, aboveAt, out, to, length);
      else if (pixelBytes === 4) undoAverage4(raw, start, above, aboveAt, out, to, length);
      else undoAverage(raw, start, above, aboveAt, out, to, length, pixelBytes);
      break;
    case 4:
      if (pixelBytes === 3) undoPaeth3(raw, start, above, aboveAt, out, to, length);
      else if (pixelBytes === 4) undoPaeth4(raw, start, above, aboveAt, out, to, length);
      else undoPaeth(raw, start, above, aboveAt, out, to, length, pixelBytes);
      break;
    default:
      throw new Problem('invalid-image', `The PNG uses filter ${filter}, which does not exist`);
  }
}

function undoUp(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
): void {
  p = p | 0;
  u = u | 0;
  o = o | 0;
  const end = (o + length) | 0;
  for (; o < end; o = (o + 1) | 0, p = (p + 1) | 0, u = (u + 1) | 0) out[o] = raw[p] + above[u];
}

function undoSub(raw: Buffer, p: number, out: Buffer, o: number, length: number, pixelBytes: number): void {
  for (let i = 0; i < length; i++) {
    const left = i < pixelBytes ? 0 : out[o + i - pixelBytes];
    out[o + i] = raw[p + i] + left;
  }
}

function undoAverage(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
  pixelBytes: number,
): void {
  for (let i = 0; i < length; i++) {
    const left = i < pixelBytes ? 0 : out[o + i - pixelBytes];
    out[o + i] = raw[p + i] + ((left + above[u + i]) >> 1);
  }
}

function undoPaeth(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
  pixelBytes: number,
): void {
  for (let i = 0; i < length; i++) {
    const left = i < pixelBytes ? 0 : out[o + i - pixelBytes];
    const upLeft = i < pixelBytes ? 0 : above[u + i - pixelBytes];
    out[o + i] = raw[p + i] + predict(left, above[u + i], upLeft);
  }
}
