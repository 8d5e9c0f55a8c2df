// Draws JPEGs coefficient by coefficient, for kinds that sharp does not write: any sampling, restart markers,
// one scan per component. The tables come from a file that sharp wrote.
import type { Bitmap } from '../lib/image/pixels.ts';

export interface JpegDrawing {
  width: number;
  height: number;
  /** Horizontal and vertical, for each component. */
  sampling: [number, number][];
  /** Returns the 64 quantised coefficients of a block, in zigzag order. */
  block: (component: number, x: number, y: number) => ArrayLike<number>;
  /** MCUs between restart markers; 0 for none. */
  restartInterval?: number;
  /** False for one scan per component. */
  isInterleaved?: boolean;
  /** The marker of the frame: 0xc0 is baseline. */
  frameMarker?: number;
  ids?: number[];
  /** Segments in front of the frame. */
  notes?: Buffer[];
  /** Segments between the scans. */
  between?: Buffer;
}

export interface JpegTables {
  /** DQT and DHT segments to copy. */
  segments: Buffer;
  /** Steps in zigzag order, by table. */
  steps: number[][];
  /** Symbol → bits, as text of 0 and 1, by class (DC 0, AC 1) and table. */
  codes: Map<number, string>[][];
}

const start = Buffer.from([0xff, 0xd8]);
const end = Buffer.from([0xff, 0xd9]);

/** Returns one segment: marker, length, content. */
export function jpegSegment(marker: number, content: Iterable<number>): Buffer {
  const bytes = Buffer.from([...content]);
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(bytes.length + 2, 2);
  return Buffer.concat([head, bytes]);
}

/** Returns the tables of a baseline file. */
export function tablesOf(file: Buffer): JpegTables {
  const tables: JpegTables = { segments: Buffer.alloc(0), steps: [], codes: [[], []] };
  for (let at = 2; file[at + 1] !== 0xda;) {
    const next = at + 2 + file.readUInt16BE(at + 2);
    const content = file.subarray(at + 4, next);
    const isTable = file[at + 1] === 0xdb || file[at + 1] === 0xc4;
    if (isTable) tables.segments = Buffer.concat([tables.segments, file.subarray(at, next)]);
    if (file[at + 1] === 0xdb) readSteps(content, tables);
    if (file[at + 1] === 0xc4) readCodes(content, tables);
    at = next;
  }
  return tables;
}

function readSteps(content: Buffer, { steps }: JpegTables): void {
  for (let at = 0; at < content.length; at += 65) {
    steps[content[at]] = [...content.subarray(at + 1, at + 65)];
  }
}

function readCodes(content: Buffer, { codes }: JpegTables): void {
  for (let at = 0; at < content.length;) {
    const table = new Map<number, string>();
    codes[content[at] >> 4][content[at] & 15] = table;
    const counts = content.subarray(at + 1, at + 17);
    at += 17;
    let code = 0;
    for (const [i, count] of counts.entries()) {
      for (let n = 0; n < count; n++) table.set(content[at++], (code++).toString(2).padStart(i + 1, '0'));
      code *= 2;
    }
  }
}

/** Returns the drawing as a file. Component 0 uses the first tables, the others the second. */
export function drawJpeg(drawing: JpegDrawing, tables: JpegTables): Buffer {
  const { width, height, sampling, restartInterval = 0, isInterleaved = true } = drawing;
  const { frameMarker = 0xc0, notes = [], between = Buffer.alloc(0) } = drawing;
  const ids = drawing.ids ?? sampling.map((_, i) => i + 1);
  const all = sampling.map((_, i) => i);
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const frame = all.flatMap((i) => [ids[i], sampling[i][0] * 16 + sampling[i][1], Math.min(i, 1)]);
  const scans = isInterleaved ? [all] : all.map((i) => [i]);
  return Buffer.concat([
    start,
    ...notes,
    tables.segments,
    jpegSegment(frameMarker, [8, ...size, all.length, ...frame]),
    jpegSegment(0xdd, [restartInterval >> 8, restartInterval & 255]),
    ...scans.flatMap((scan, i) => [
      i === 0 ? Buffer.alloc(0) : between,
      jpegSegment(0xda, [scan.length, ...scan.flatMap((c) => [ids[c], c === 0 ? 0 : 0x11]), 0, 63, 0]),
      drawScan(drawing, tables, scan),
    ]),
    end,
  ]);
}

function drawScan(drawing: JpegDrawing, tables: JpegTables, scan: number[]): Buffer {
  const { width, height, sampling, block, restartInterval = 0 } = drawing;
  const most = [0, 1].map((i) => Math.max(...sampling.map((each) => each[i])));
  // A scan of one component has its blocks one by one, only as many as its own pixels need.
  const isAlone = scan.length === 1;
  const [stepX, stepY] = isAlone
    ? sampling[scan[0]].map((s, i) => (8 * most[i]) / s)
    : most.map((s) => 8 * s);
  const across = Math.ceil(width / stepX);
  const units = across * Math.ceil(height / stepY);
  const parts: Buffer[] = [];
  let bits = new BitWriter();
  let lastDc = sampling.map(() => 0);
  for (let unit = 0; unit < units; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      parts.push(bits.end(), Buffer.from([0xff, 0xd0 + ((unit / restartInterval - 1) % 8)]));
      bits = new BitWriter();
      lastDc = sampling.map(() => 0);
    }
    for (const component of scan) {
      const [h, v] = isAlone ? [1, 1] : sampling[component];
      for (let i = 0; i < h * v; i++) {
        const x = (unit % across) * h + (i % h);
        const y = Math.floor(unit / across) * v + Math.floor(i / h);
        const coefficients = block(component, x, y);
        const [dc, ac] = tables.codes.map((each) => each[Math.min(component, 1)]);
        bits.block(coefficients, lastDc[component], dc, ac);
        lastDc[component] = coefficients[0];
      }
    }
  }
  return Buffer.concat([...parts, bits.end()]);
}

class BitWriter {
  readonly #bytes: number[] = [];
  #bits = '';

  block(
    coefficients: ArrayLike<number>,
    lastDc: number,
    dc: Map<number, string>,
    ac: Map<number, string>,
  ): void {
    this.#put(dc, 0, coefficients[0] - lastDc);
    let last = 63;
    while (last > 0 && coefficients[last] === 0) last--;
    let zeros = 0;
    for (let i = 1; i <= last; i++) {
      if (coefficients[i] === 0) {
        zeros++;
        continue;
      }
      for (; zeros > 15; zeros -= 16) this.#add(ac.get(0xf0));
      this.#put(ac, zeros, coefficients[i]);
      zeros = 0;
    }
    if (last < 63) this.#add(ac.get(0));
  }

  /** Returns the bytes; the last one is filled with ones. */
  end(): Buffer {
    if (this.#bits !== '') this.#add('1'.repeat(8 - this.#bits.length));
    return Buffer.from(this.#bytes);
  }

  #put(codes: Map<number, string>, zeros: number, value: number): void {
    const size = value === 0 ? 0 : Math.abs(value).toString(2).length;
    this.#add(codes.get(zeros * 16 + size));
    if (size > 0) this.#add((value > 0 ? value : value + 2 ** size - 1).toString(2).padStart(size, '0'));
  }

  #add(bits: string | undefined): void {
    if (bits === undefined) throw new RangeError('The tables have no code for this value');
    this.#bits += bits;
    for (; this.#bits.length >= 8; this.#bits = this.#bits.slice(8)) {
      const byte = parseInt(this.#bits.slice(0, 8), 2);
      this.#bytes.push(...(byte === 0xff ? [0xff, 0] : [byte]));
    }
  }
}

const cosines = Array.from({ length: 64 }, (_, i) => Math.cos(((2 * (i % 8) + 1) * (i >> 3) * Math.PI) / 16));
/** Row and column of each coefficient, by frequency and alternating direction. */
const zigzag = Array.from({ length: 64 }, (_, i) => [i >> 3, i % 8]).sort(
  ([v, u], [w, t]) => u + v - t - w || ((u + v) % 2 === 0 ? u - t : v - w),
);

/** Returns the blocks of an RGB picture, for a drawing with this sampling and these tables. */
export function blocksOf(
  picture: Bitmap,
  sampling: [number, number][],
  { steps }: JpegTables,
): JpegDrawing['block'] {
  const most = [0, 1].map((i) => Math.max(...sampling.map((each) => each[i])));
  const weights = [
    [0.299, 0.587, 0.114, -128],
    [-0.168736, -0.331264, 0.5, 0],
    [0.5, -0.418688, -0.081312, 0],
  ];
  const sample = (component: number, x: number, y: number): number => {
    const from = 3 * (Math.min(y, picture.height - 1) * picture.width + Math.min(x, picture.width - 1));
    const [red, green, blue, shift] = weights[component];
    const { data } = picture;
    return red * data[from] + green * data[from + 1] + blue * data[from + 2] + shift;
  };
  return (component, blockX, blockY) => {
    const [stepX, stepY] = most.map((s, i) => s / sampling[component][i]);
    const samples = Array.from({ length: 64 }, (_, i) =>
      sample(component, (blockX * 8 + (i % 8)) * stepX, (blockY * 8 + (i >> 3)) * stepY),
    );
    return transform(samples).map((value, i) => Math.round(value / steps[Math.min(component, 1)][i]));
  };
}

const scale = (frequency: number): number => (frequency === 0 ? Math.SQRT1_2 / 2 : 1 / 2);

/** Returns the cosine transform of 64 samples, in zigzag order. */
function transform(samples: number[]): number[] {
  const rows = Array.from({ length: 64 }, (_, i) => {
    let sum = 0;
    for (let x = 0; x < 8; x++) sum += samples[(i & 56) + x] * cosines[8 * (i % 8) + x];
    return sum * scale(i % 8);
  });
  return zigzag.map(([v, u]) => {
    let sum = 0;
    for (let y = 0; y < 8; y++) sum += rows[8 * y + u] * cosines[8 * v + y];
    return sum * scale(v);
  });
}
