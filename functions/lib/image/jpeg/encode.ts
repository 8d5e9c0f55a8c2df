// Encodes bands of rows as a baseline JPEG, with libjpeg-turbo in WebAssembly (see libjpeg/write.c). A file of any size
// takes only a few megabytes, and its first bytes are ready before the last rows arrive.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Bitmap, channelsOf } from '../pixels.ts';

export interface JpegOptions {
  /** 1 to 100, as in libjpeg. */
  quality: number;
  /** Complete segments to put behind the first marker. */
  segments: Uint8Array;
}

/**
 * From this quality on, colours are stored for every pixel (4:4:4). Below, four pixels share one colour (4:2:0), as in most
 * photos: that saves a third of the bytes, and an eye does not see it, least of all in a blurred picture.
 */
const FULL_COLOR_QUALITY = 90;
/** How many pixels are encoded before other work gets its turn: about 15 ms. */
const PIXELS_PER_TURN = 1_000_000;

/** WebAssembly's memory comes in pages of 64 KiB. The widest picture needs 20 MiB. */
const FIRST_PAGES = 32;
const MOST_PAGES = 1024;

interface Exports {
  _initialize(): void;
  allocate(length: number): number;
  start(width: number, height: number, quality: number, hasHalfTheColors: number): void;
  writeRows(from: number, rows: number): void;
  finish(): void;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Returns the encoder's code, compiled once. The file is beside this one, and beside a bundle. */
function loadEncoder(): Promise<WebAssembly.Module> {
  compiled ??= readFile(join(import.meta.dirname, 'libjpeg-write.wasm')).then((code) =>
    WebAssembly.compile(code),
  );
  return compiled;
}

/**
 * Yields the bytes of a JPEG. `bands` are RGB rows from the top, with any number of rows each. The caller may keep each chunk.
 * Bands are read only as fast as chunks are consumed. Throws a RangeError if the bands do not fit `size`.
 */
export async function* encodeJpeg(
  size: { width: number; height: number },
  bands: AsyncIterable<Bitmap> | Iterable<Bitmap>,
  { quality, segments }: JpegOptions,
): AsyncGenerator<Uint8Array> {
  const encoder = new Encoder(await loadEncoder(), size);
  encoder.start(quality);
  yield* encoder.takeChunks();
  yield segments;
  for await (const band of bands) {
    for (const pixels of encoder.add(band)) {
      encoder.write(pixels);
      yield* encoder.takeChunks();
      await nextTurn();
    }
  }
  encoder.finish();
  yield* encoder.takeChunks();
}

/** Encodes one file. */
class Encoder {
  readonly #memory: WebAssembly.Memory;
  readonly #libjpeg: Exports;
  readonly #size: { width: number; height: number };
  readonly #rowBytes: number;
  readonly #rowsPerTurn: number;
  #rowsAt = 0;
  #rowsLeft: number;
  #chunks: Uint8Array[] = [];

  constructor(code: WebAssembly.Module, size: { width: number; height: number }) {
    this.#size = size;
    this.#rowBytes = size.width * 3;
    this.#rowsLeft = size.height;
    this.#rowsPerTurn = Math.min(size.height, Math.max(1, Math.floor(PIXELS_PER_TURN / size.width)));
    this.#memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: MOST_PAGES });
    const host = {
      fail: (text: number) => {
        throw new Error(`The JPEG cannot be written: ${this.#textAt(text)}`);
      },
      take: (at: number, length: number) => {
        this.#chunks.push(new Uint8Array(this.#memory.buffer, at, length).slice());
      },
    };
    const instance = new WebAssembly.Instance(code, { env: { memory: this.#memory }, host });
    this.#libjpeg = instance.exports as Exports;
    this.#libjpeg._initialize();
  }

  start(quality: number): void {
    const { width, height } = this.#size;
    this.#rowsAt = this.#libjpeg.allocate(this.#rowsPerTurn * this.#rowBytes);
    if (this.#rowsAt === 0) throw new Error('The JPEG cannot be written: out of memory');
    this.#libjpeg.start(width, height, quality, quality < FULL_COLOR_QUALITY ? 1 : 0);
  }

  /** Yields the rows of a band in pieces that are encoded in one turn. */
  *add(band: Bitmap): Generator<Uint8Array> {
    const { width, height } = this.#size;
    if (band.width !== width || channelsOf(band) !== 3 || band.height > this.#rowsLeft) {
      throw new RangeError(
        `a band of ${band.width}x${band.height}x${channelsOf(band)} does not fit the last ${this.#rowsLeft} rows of ${width}x${height}x3`,
      );
    }
    this.#rowsLeft -= band.height;
    const step = this.#rowsPerTurn * this.#rowBytes;
    for (let at = 0; at < band.data.length; at += step) yield band.data.subarray(at, at + step);
  }

  write(pixels: Uint8Array): void {
    new Uint8Array(this.#memory.buffer, this.#rowsAt, pixels.length).set(pixels);
    this.#libjpeg.writeRows(this.#rowsAt, pixels.length / this.#rowBytes);
  }

  /** Throws a RangeError unless all rows have come. */
  finish(): void {
    if (this.#rowsLeft > 0) throw new RangeError(`the bands end ${this.#rowsLeft} rows too early`);
    this.#libjpeg.finish();
  }

  /** Returns the chunks that are ready. */
  takeChunks(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #textAt(at: number): string {
    const bytes = Buffer.from(this.#memory.buffer);
    return bytes.toString('latin1', at, bytes.indexOf(0, at));
  }
}
