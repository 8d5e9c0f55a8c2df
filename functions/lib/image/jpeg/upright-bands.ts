// A JPEG's bands of rows, upright, in the calling thread, which it blocks while it works on one.
import { bandsOf } from '../bands.ts';
import { type Bitmap, freeBytes } from '../pixels.ts';
import { JpegRows, loadLibjpeg, tooLarge } from './libjpeg.ts';

export interface DecodeTask {
  file: Uint8Array;
  /** From 1, upright, to 8. */
  orientation: number;
  /** What decoding may take besides the file. */
  memoryBytes: number;
}

/** Rows handed over at a time: enough that doing so costs nothing. */
const bandBytes = 256 * 1024;
/**
 * The picture's rows from the top, 3 bytes a pixel, each band in a buffer of its own, and in the end the bytes of memory
 * that libjpeg took. A picture that is to be turned is decoded whole first. Copies the file at once. Throws
 * `invalid-image`, maybe after good bands but never after the last, and `image-too-large` for the memory it takes.
 */
export function uprightBands(libjpeg: WebAssembly.Module, task: DecodeTask): Generator<Bitmap, number> {
  const rows = new JpegRows(libjpeg, task.file, task.memoryBytes);
  return task.orientation === 1 ? storedBands(rows) : turnedBands(rows, task, task.file.length);
}

/** The bands of the picture as stored, not turned, without a limit of memory. Throws `invalid-image`. */
export async function decodeStored(file: Uint8Array): Promise<Iterable<Bitmap>> {
  return uprightBands(await loadLibjpeg(), { file, orientation: 1, memoryBytes: Infinity });
}

function* storedBands(rows: JpegRows): Generator<Bitmap, number> {
  const { width } = rows.start();
  for (const { data, height } of rows.inPieces(rowsOf(width))) {
    const band = Buffer.allocUnsafeSlow(data.length);
    band.set(data);
    yield { data: band, width, height };
  }
  return rows.memoryBytes;
}

function* turnedBands(
  rows: JpegRows,
  { orientation, memoryBytes }: DecodeTask,
  fileBytes: number,
): Generator<Bitmap, number> {
  const { width, height } = rows.start();
  if (rows.memoryBytes - fileBytes + width * height * 3 > memoryBytes) throw tooLarge(memoryBytes);
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

/** As many rows as a band has. */
function rowsOf(width: number): number {
  return Math.max(1, Math.floor(bandBytes / (3 * width)));
}
