// Decodes a JPEG to upright bands of rows in the calling thread, and blocks it meanwhile.
import { bandsOf, uprightSize } from '../bands.ts';
import { type Bitmap, freeBytes } from '../pixels.ts';
import { readJpegHeader } from './header.ts';
import { damaged, JpegRows, loadLibjpeg } from './libjpeg.ts';

export interface DecodeTask {
  file: Uint8Array;
  /** Width of the upright picture, as the header says. */
  width: number;
  height: number;
  /** 1, already upright, to 8. */
  orientation: number;
  /** Memory for decoding, besides the file. */
  memoryBytes: number;
  /** Largest product of pixels and scans. */
  scanPixels: number;
}

/** The limit for small pictures. Encoders use about ten scans, at most 64. */
const mostScans = 100;

/** Size of a band: large enough that passing it on costs nothing. */
const bandBytes = 256 * 1024;

/**
 * Yields the picture's rows from the top, with 3 bytes per pixel, each band in its own buffer. Returns the
 * number of bytes of memory that libjpeg used. A picture that has to be turned is decoded whole first. The
 * file is copied at once. Throws `invalid-image`, possibly after good bands but never after the last one, and
 * `image-too-large` if it needs too much memory or has too many scans.
 */
export function uprightBands(libjpeg: WebAssembly.Module, task: DecodeTask): Generator<Bitmap, number> {
  const { file, width, height, orientation, memoryBytes, scanPixels } = task;
  const callersBytes = orientation === 1 ? 0 : width * height * 3;
  const maxScans = Math.min(mostScans, Math.floor(scanPixels / (width * height)));
  const rows = new JpegRows(libjpeg, file, { memoryBytes, callersBytes, maxScans });
  // Turning it twice gives the stored size.
  const stored = uprightSize({ width, height }, orientation);
  return orientation === 1 ? storedBands(rows, stored) : turnedBands(rows, stored, orientation);
}

/**
 * Returns the bands of the picture as stored, not turned, without a memory limit. Throws `invalid-image`, and
 * `image-too-large` for a file with very many scans.
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
  if (found.width !== width || found.height !== height) throw damaged('its size differs from its header');
  return found;
}

/** Returns the number of rows of a band. */
function rowsOf(width: number): number {
  return Math.max(1, Math.floor(bandBytes / (3 * width)));
}
