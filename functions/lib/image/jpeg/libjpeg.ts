// Decodes the rows of a JPEG with libjpeg-turbo in WebAssembly (see libjpeg/rows.c). Where libjpeg cannot
// read the data, it fills the rows with grey and continues. This file decides what is damage, which stops the
// decoding, and what only looks odd.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../errors.ts';
import type { Bitmap } from '../pixels.ts';
import { countScans } from './scans.ts';

/** Some cameras leave a few bytes after a scan or before a restart marker. Damage usually leaves more. */
const maxStrayBytes = 16;
/**
 * A part of a file that was never written, because a disk was full or a download ended, consists of at least
 * 512 zeros. Encoders write this many zeros only if they mean that nothing changes.
 */
const hole = Buffer.alloc(256);

/** WebAssembly's memory comes in pages. Up to 2 GiB, its addresses are positive here. */
const pageBytes = 64 * 1024;
const mostPages = 32_768;
/** The least memory that libjpeg takes, besides the file. */
const workBytes = 4 * 1024 * 1024;

interface Exports {
  _initialize(): void;
  allocate(length: number): number;
  start(file: number, length: number): void;
  width(): number;
  height(): number;
  readRows(to: number, rows: number): void;
  finish(): number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * Returns the decoder's code, compiled once for all threads of the process. The file is beside this one, and
 * beside a bundle.
 */
export function loadLibjpeg(): Promise<WebAssembly.Module> {
  compiled ??= readFile(join(import.meta.dirname, 'libjpeg.wasm')).then((code) => WebAssembly.compile(code));
  return compiled;
}

export interface RowLimits {
  /** Memory for decoding, besides the file. */
  memoryBytes: number;
  /** How much of that the caller needs. */
  callersBytes: number;
  maxScans: number;
}

/** Decodes one JPEG as it is stored, with 3 bytes per pixel. Blocks its thread. */
export class JpegRows {
  readonly #memory: WebAssembly.Memory;
  readonly #libjpeg: Exports;
  readonly #file: { at: number; length: number };
  readonly #limits: RowLimits;

  /** Copies the file. */
  constructor(libjpeg: WebAssembly.Module, file: Uint8Array, limits: RowLimits) {
    this.#limits = limits;
    const { memoryBytes, callersBytes } = limits;
    const initial = Math.ceil((file.length + workBytes) / pageBytes);
    const maximum = Math.max(initial, Math.ceil((file.length + memoryBytes - callersBytes) / pageBytes));
    this.#memory = new WebAssembly.Memory({ initial, maximum: Math.min(maximum, mostPages) });
    const host = {
      fail: (text: number, numbers: number, isOutOfMemory: number) => {
        if (isOutOfMemory) throw tooLarge(memoryBytes);
        throw damaged(this.#message(text, numbers));
      },
      strayBytes: (count: number) => {
        if (count > maxStrayBytes) throw damaged(`${count} unexpected bytes come before a restart marker`);
      },
      scanEnd: (
        start: number,
        end: number,
        leftover: number,
        isPadded: number,
        zerosArePlausible: number,
      ) => {
        this.#checkScan(start, end, leftover, isPadded === 1, zerosArePlausible === 1);
      },
    };
    const instance = new WebAssembly.Instance(libjpeg, { env: { memory: this.#memory }, host });
    this.#libjpeg = instance.exports as Exports;
    this.#libjpeg._initialize();
    this.#file = { at: this.#libjpeg.allocate(file.length), length: file.length };
    this.#bytes(this.#file.at, file.length).set(file);
  }

  /**
   * Reads as much as the first rows need, which may be the whole file, and returns the size of the picture.
   * Throws `invalid-image` if the file is damaged, and `image-too-large` if it has too many scans or takes
   * more than its memory.
   */
  start(): { width: number; height: number } {
    const { memoryBytes, callersBytes, maxScans } = this.#limits;
    if (callersBytes > memoryBytes) throw tooLarge(memoryBytes);
    const scans = countScans(this.#bytes(this.#file.at, this.#file.length));
    if (scans > maxScans) {
      throw new Problem(
        'image-too-large',
        `The JPEG has ${scans} scans; one of this size may have ${maxScans}. Save it with fewer, or as a baseline JPEG`,
      );
    }
    this.#libjpeg.start(this.#file.at, this.#file.length);
    return { width: this.#libjpeg.width(), height: this.#libjpeg.height() };
  }

  /**
   * Yields the rows from the top, up to `count` at a time, in memory that the next piece overwrites. Throws
   * like `start`. The file is read to its end before the last piece is yielded, so when a reader has all
   * rows, all of them are good.
   */
  *inPieces(count: number): Generator<Bitmap> {
    const width = this.#libjpeg.width();
    const height = this.#libjpeg.height();
    const at = this.#libjpeg.allocate(count * width * 3);
    if (at === 0) throw tooLarge(this.#limits.memoryBytes);
    for (let top = 0; top < height; top += count) {
      const rows = Math.min(count, height - top);
      this.#libjpeg.readRows(at, rows);
      const isLast = top + rows === height;
      if (isLast && this.#libjpeg.finish() === 0) throw damaged('its picture is incomplete');
      yield { data: this.#bytes(at, rows * width * 3), width, height: rows };
    }
  }

  /** Bytes of memory used so far, including the file. They are freed when this object is collected. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  #checkScan(
    start: number,
    end: number,
    leftover: number,
    isPadded: boolean,
    zerosArePlausible: boolean,
  ): void {
    const isHarmless = leftover <= maxStrayBytes ? isPadded : this.#isUniform(end, leftover);
    if (leftover > 0 && !isHarmless) throw damaged(`${leftover} unexpected bytes follow its picture data`);
    if (!zerosArePlausible && Buffer.from(this.#memory.buffer, start, end - start).includes(hole)) {
      throw damaged('a part of its picture data is zeros');
    }
  }

  /** Returns whether the bytes are padding: all the same, and not the end of a hole. */
  #isUniform(at: number, length: number): boolean {
    const bytes = this.#bytes(at - 1, length + 1);
    return bytes[0] !== bytes[1] && bytes.subarray(1).every((byte) => byte === bytes[1]);
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  /** Returns libjpeg's message with its numbers filled in. */
  #message(text: number, numbers: number): string {
    const bytes = Buffer.from(this.#memory.buffer);
    const view = new DataView(this.#memory.buffer, numbers);
    let next = 0;
    const message = bytes.toString('latin1', text, bytes.indexOf(0, text)).replace('Corrupt JPEG data: ', '');
    return message.replaceAll(/%[0-9l]*[dux]/g, (place) => {
      return view.getInt32(4 * next++, true).toString(place.endsWith('x') ? 16 : 10);
    });
  }
}

export function damaged(how: string): Problem {
  return new Problem('invalid-image', `The JPEG is damaged: ${how}`);
}

function tooLarge(memoryBytes: number): Problem {
  return new Problem('image-too-large', `Decoding the JPEG takes more than ${memoryBytes} bytes of memory`);
}
