// A JPEG's bands of rows, upright, in the calling thread, which it blocks while it works on one.
import { bandsOf, uprightSize } from '../bands.ts';
import { type Bitmap, freeBytes } from '../pixels.ts';
import { readJpegHeader } from './header.ts';
import { damaged, JpegRows, loadLibjpeg } from './libjpeg.ts';

export interface DecodeTask {
  file: Uint8Array;
  /** Of the upright picture, as the header says. */
  width: number;
  height: number;
  /** From 1, upright, to 8. */
  orientation: number;
  /** What decoding may take besides the file. */
  memoryBytes: number;
  /** Pixels times scans, the most there may be. */
  scanPixels: number;
}

/** However small the picture is. Encoders use about ten scans, at most 64. */
const mostScans = 100;

/** Rows handed over at a time: enough that doing so costs nothing. */
const bandBytes = 256 * 1024;

/**
 * The picture's rows from the top, 3 bytes a pixel, each band in a buffer of its own, and in the end the bytes of memory
 * that libjpeg took. A picture that is to be turned is decoded whole first. Copies the file at once. Throws
 * `invalid-image`, maybe after good bands but never after the last, and `image-too-large` for the memory or the scans it
 * takes.
 */
export function uprightBands(libjpeg: WebAssembly.Module, task: DecodeTask): Generator<Bitmap, number> {
  const { file, width, height, orientation, memoryBytes, scanPixels } = task;
  const callersBytes = orientation === 1 ? 0 : width * height * 3;
  const maxScans = Math.min(mostScans, Math.floor(scanPixels / (width * height)));
  const rows = new JpegRows(libjpeg, file, { memoryBytes, callersBytes, maxScans });
  // Turned twice it is as stored.
  const stored = uprightSize({ width, height }, orientation);
  return orientation === 1 ? storedBands(rows, stored) : turnedBands(rows, stored, orientation);
}

/**
 * The bands of the picture as stored, not turned, without a limit of memory. Throws `invalid-image`, and `image-too-large`
 * for a file of very many scans.
 */
export async function decodeStored(file: Uint8Array): Promise<Iterable<Bitmap>> {
  const header = readJpegHeader(file);
  const stored = uprightSize(header, header.orientation);
  const unlimited = { memoryBytes: Infinity, scanPixels: Infinity };
  return uprightBands(await loadLibjpeg(), { file, ...stored, orientation: 1, ...unlimited });
}

interface Size {
  width: number;
  height: number;
}

function* storedBands(rows: JpegRows, size: Size): Generator<Bitmap, number> {
  const { width } = start(rows, size);
  for (const { data, height } of rows.inPieces(rowsOf(width))) {
    const band = Buffer.allocUnsafeSlow(data.length);
    band.set(data);
    yield { data: band, width, height };
  }
  return rows.memoryBytes;
}

function* turnedBands(rows: JpegRows, size: Size, orientation: number): Generator<Bitmap, number> {
  const { width, height } = start(rows, size);
  const data = Buffer.allocUnsafeSlow(width * height * 3);
  let at = 0;
  for (const piece of rows.inPieces(rowsOf(width))) {
    data.set(piece.data, at);
    at += piece.data.length;
  }
  yield* bandsOf({ data, width, height }, 3, { orientation });
  freeBytes(data);
  return rows.memoryBytes;
}

function start(rows: JpegRows, { width, height }: Size): Size {
  const found = rows.start();
  if (found.width !== width || found.height !== height)
    throw damaged('its size is not the one in its header');
  return found;
}

/** As many rows as a band has. */
function rowsOf(width: number): number {
  return Math.max(1, Math.floor(bandBytes / (3 * width)));
}
