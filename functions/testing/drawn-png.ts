// A simple PNG writer for tests. It writes every colour type, bit depth, filter and interlacing, divides the
// image data as a test wants, and can damage it.
import { crc32, deflateSync } from 'node:zlib';

export interface Drawing {
  width: number;
  height: number;
  colorType: number;
  bitDepth: number;
  /** Returns sample number `s` of a pixel. */
  sample: (x: number, y: number, s: number) => number;
  /** Returns the filter of a row; 0 by default. */
  filter?: (y: number) => number;
  interlaced?: boolean;
  palette?: number[];
  transparency?: number[];
  /** Sizes of the IDAT chunks, used in turn; one chunk by default. */
  idatSizes?: number[];
  /** Chunks between header and image data. */
  chunksBefore?: Buffer[];
  /** Changes the filtered rows before they are compressed. */
  alterRows?: (rows: Buffer) => Buffer;
  /** Changes the zlib stream before it is cut into chunks. */
  alterStream?: (stream: Buffer) => Buffer;
}

export const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');

const samplesByColorType = [1, 0, 3, 1, 2, 0, 4];

export function drawPng(drawing: Drawing): Buffer {
  const rows = Buffer.concat(passesOf(drawing).map((pass) => filterPass(drawing, pass)));
  const stream = deflateSync(drawing.alterRows?.(rows) ?? rows);
  return Buffer.concat([
    pngSignature,
    headerChunk(drawing),
    ...(drawing.palette ? [pngChunk('PLTE', Buffer.from(drawing.palette))] : []),
    ...(drawing.transparency ? [pngChunk('tRNS', Buffer.from(drawing.transparency))] : []),
    ...(drawing.chunksBefore ?? []),
    ...imageDataChunks(drawing.alterStream?.(stream) ?? stream, drawing.idatSizes),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** Returns an eXIf chunk that contains only an orientation: a SHORT in a big-endian TIFF block. */
export function exifChunk(orientation: number): Buffer {
  const entry = `01120003000000010${orientation.toString(16).padStart(3, '0')}0000`;
  return pngChunk('eXIf', Buffer.from(`4d4d002a000000080001${entry}00000000`, 'hex'));
}

export function headerChunk({
  width,
  height,
  colorType,
  bitDepth,
  interlaced = false,
}: Pick<Drawing, 'width' | 'height' | 'colorType' | 'bitDepth' | 'interlaced'>): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set([bitDepth, colorType, 0, 0, interlaced ? 1 : 0], 8);
  return pngChunk('IHDR', data);
}

function imageDataChunks(stream: Buffer, sizes?: number[]): Buffer[] {
  if (sizes === undefined) return [pngChunk('IDAT', stream)];
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length];
    chunks.push(pngChunk('IDAT', stream.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}

/** Returns every `step`th number from `first` on, below `end`. */
function steps(first: number, step: number, end: number): number[] {
  const values: number[] = [];
  for (let value = first; value < end; value += step) values.push(value);
  return values;
}

/** Returns the pixels of each pass, as coordinates of the image: one pass, or the seven of Adam7. */
function passesOf({ width, height, interlaced = false }: Drawing): { xs: number[]; ys: number[] }[] {
  const pattern = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  return pattern
    .map(([x, y, dx, dy]) => ({ xs: steps(x, dx, width), ys: steps(y, dy, height) }))
    .filter(({ xs, ys }) => xs.length > 0 && ys.length > 0);
}

function filterPass(drawing: Drawing, { xs, ys }: { xs: number[]; ys: number[] }): Buffer {
  const samples = samplesByColorType[drawing.colorType];
  const pixelBytes = Math.max(1, (samples * drawing.bitDepth) / 8);
  let above: number[] = [];
  const filtered = ys.flatMap((y, rowOfPass) => {
    const row = packRow(
      xs.flatMap((x) => Array.from({ length: samples }, (_, s) => drawing.sample(x, y, s))),
      drawing.bitDepth,
    );
    const filter = drawing.filter?.(rowOfPass) ?? 0;
    const differences = row.map((byte, i) => byte - predictionOf(filter, row, above, i, pixelBytes));
    above = row;
    return [filter, ...differences];
  });
  return Buffer.from(filtered);
}

function packRow(samples: number[], bitDepth: number): number[] {
  if (bitDepth === 16) return samples.flatMap((sample) => [sample >> 8, sample & 255]);
  const bits = samples.map((sample) => sample.toString(2).padStart(bitDepth, '0')).join('');
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return bytes.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
}

/** Returns the prediction of a filter (specification, section 9.2) for byte `i` of `row`. */
export function predictionOf(
  filter: number,
  row: ArrayLike<number>,
  above: ArrayLike<number>,
  i: number,
  pixelBytes: number,
): number {
  const left = row[i - pixelBytes] ?? 0;
  const up = above[i] ?? 0;
  const upLeft = i < pixelBytes ? 0 : (above[i - pixelBytes] ?? 0);
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return Math.floor((left + up) / 2);
    case 4:
      return paethOf(left, up, upLeft);
    default:
      return 0;
  }
}

/** Returns the Paeth predictor (specification, section 9.4). */
export function paethOf(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - upLeft)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : upLeft;
}
