// The parts of odd PNGs: a few small drawings, and their chunks in any order and state.
import { constants, deflateRawSync, deflateSync } from 'node:zlib';
import { type Drawing, drawPng, headerChunk, pngChunk, pngSignature } from '../drawn-png.ts';

/** Odd files of one kind: what libpng does with them, what we do, and why. */
export interface OddPngs {
  why: string;
  /** What libpng 1.6.39 did with its default settings, rows read one after another. */
  libpng: 'opens' | 'refuses';
  /** What sharp does, with libpng 1.6.58 and its default settings. A test checks this. */
  sharp: 'opens' | 'refuses';
}

/** Each file with a sound one that has the same pixels. */
export interface ToleratedPngs extends OddPngs {
  files: Record<string, [odd: Buffer, sound: Buffer]>;
}

const filter = (y: number): number => y % 5;
const sample: Drawing['sample'] = (x, y, s) => (x * 31 + y * 17 + s * x * y) % 256;

export const rgb: Drawing = { width: 11, height: 9, colorType: 2, bitDepth: 8, sample, filter };
export const rgba: Drawing = { ...rgb, colorType: 6 };
export const grey: Drawing = { ...rgb, colorType: 0 };
export const greyAlpha: Drawing = { ...rgb, colorType: 4 };
export const interlaced: Drawing = { ...rgb, interlaced: true };
export const colors = [255, 0, 0, 0, 255, 0, 0, 0, 255, 20, 40, 60, 80, 90, 100];
/** Five colours of the sixteen that four bits can express. */
export const indexed: Drawing = {
  ...rgb,
  colorType: 3,
  bitDepth: 4,
  palette: colors,
  sample: (x, y) => (x + 2 * y) % 5,
};
/** Noise that is the same in every row: its repetitions are 2101 bytes apart. */
export const wide: Drawing = {
  ...rgb,
  width: 700,
  height: 3,
  filter: () => 0,
  sample: (x, _, s) => Math.imul(x + s, 2_654_435_761) >>> 24,
};

/** The drawings as sound files. */
export const sound = {
  rgb: drawPng(rgb),
  rgba: drawPng(rgba),
  grey: drawPng(grey),
  greyAlpha: drawPng(greyAlpha),
  indexed: drawPng(indexed),
  interlaced: drawPng(interlaced),
};

export const IEND = pngChunk('IEND', Buffer.alloc(0));
export const text = pngChunk('tEXt', Buffer.from('Title\0x'));

export function chunk(type: string, ...bytes: number[]): Buffer {
  return pngChunk(type, Buffer.from(bytes));
}

/** Returns a file of these chunks only. */
export function fileOf(...chunks: Buffer[]): Buffer {
  return Buffer.concat([pngSignature, ...chunks]);
}

/** Returns `drawing` without its palette and transparency, with these chunks before and after its image data. */
export function around(
  drawing: Drawing,
  { before = [], behind = [] }: { before?: Buffer[]; behind?: Buffer[] },
): Buffer {
  return fileOf(headerChunk(drawing), ...before, idat(streamOf(drawing)), ...behind, IEND);
}

/** Returns `drawing` with another zlib stream. */
export function withStream(drawing: Drawing, ...pieces: Buffer[]): Buffer {
  return drawPng({ ...drawing, alterStream: () => Buffer.concat(pieces) });
}

export function idat(data: Buffer): Buffer {
  return pngChunk('IDAT', data);
}

/** Returns the filtered rows of a drawing. */
function rowsOf(drawing: Drawing): Buffer {
  const seen: Buffer[] = [];
  drawPng({ ...drawing, alterRows: (rows) => (seen.push(rows), rows) });
  return seen[0];
}

/** Returns the zlib stream of a drawing. */
export function streamOf(drawing: Drawing): Buffer {
  return deflateSync(rowsOf(drawing));
}

/** Returns all rows of a drawing as deflate data that is flushed but does not end. */
export function endlessRows(drawing: Drawing): Buffer {
  return deflateRawSync(rowsOf(drawing), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Returns a zlib header with a valid check (RFC 1950, section 2.2). */
export function zlibHeader(method: number, flags = 0): Buffer {
  return Buffer.from([method, flags + 31 - ((method * 256 + flags) % 31)]);
}

export function withWrongCrc(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk);
  copy[copy.length - 1] ^= 1;
  return copy;
}

/** Returns the header of `rgb` with other values from its bit depth on. */
export function headerClaiming(...values: number[]): Buffer {
  const data = Buffer.from(headerChunk(rgb).subarray(8, 21));
  data.set(values, 8);
  return pngChunk('IHDR', data);
}
