// PNG bytes to bands of rows. Plain images (8-bit RGB and RGBA, most photos) stream: while one chunk is unfiltered
// here, the next inflates on another thread. All others go through Jimp's own codec, whole.
import { bandBytes } from '../images-bands.ts';
import type { Bitmap, Channels } from '../pixels.ts';
import { channelsOfPng, colorTypes, filteredLength, type PngHeader, readPngHeader } from './header.ts';
import { inflateImageData } from './inflate.ts';
import { decodeWhole } from './stock.ts';
import { unfilterRow } from './unfilter.ts';

/**
 * The image's rows from the top, in bands of the full width, each in a buffer of its own. Throws `invalid-image`,
 * after the last good band where the damage is in the image data.
 */
export async function* decodePng(bytes: Uint8Array): AsyncGenerator<Bitmap> {
  const header = readPngHeader(bytes);
  if (isPlain(header)) yield* decodePlain(bytes, header);
  else yield* decodeWhole(bytes, header);
}

function isPlain(header: PngHeader): boolean {
  const isTrueColor = header.colorType === colorTypes.rgb || header.colorType === colorTypes.rgba;
  return isTrueColor && header.bitDepth === 8 && !header.isInterlaced && !header.hasTransparentColor;
}

async function* decodePlain(bytes: Uint8Array, header: PngHeader): AsyncGenerator<Bitmap> {
  const rows = new RowUnfilter(header, channelsOfPng(header));
  for await (const chunk of inflateImageData(bytes, filteredLength(header))) {
    for (let at = 0; at < chunk.length;) {
      at = rows.take(chunk, at);
      const band = rows.takeBand();
      if (band !== undefined) yield band;
    }
  }
}

/** Gathers inflated bytes to rows, and unfiltered rows to bands. */
class RowUnfilter {
  readonly #header: PngHeader;
  readonly #channels: Channels;
  readonly #rowBytes: number;
  readonly #bandRows: number;
  /** A row that lies across two chunks is put together here, with its filter byte. */
  readonly #split: Buffer;
  #splitLength = 0;
  /** The row above the band's first one. The band itself then belongs to the consumer, hence a copy. */
  readonly #above: Buffer;
  #band: Buffer;
  #rowsInBand = 0;
  #rowsLeft: number;

  constructor(header: PngHeader, channels: Channels) {
    this.#header = header;
    this.#channels = channels;
    this.#rowBytes = header.width * channels;
    this.#bandRows = Math.max(1, Math.floor(bandBytes / this.#rowBytes));
    this.#split = Buffer.allocUnsafe(this.#rowBytes + 1);
    this.#above = Buffer.alloc(this.#rowBytes);
    this.#rowsLeft = header.height;
    this.#band = this.#newBand();
  }

  /** Reads rows from `chunk` at `at` until the chunk ends or the band is full; answers where it stopped. */
  take(chunk: Buffer, at: number): number {
    const filteredRow = this.#rowBytes + 1;
    if (this.#splitLength > 0) {
      const copied = chunk.copy(this.#split, this.#splitLength, at);
      at += copied;
      this.#splitLength += copied;
      if (this.#splitLength < filteredRow) return at;
      this.#splitLength = 0;
      this.#addRow(this.#split, 0);
    }
    while (chunk.length - at >= filteredRow && !this.#isBandFull()) {
      this.#addRow(chunk, at);
      at += filteredRow;
    }
    if (!this.#isBandFull() && at < chunk.length) {
      this.#splitLength = chunk.copy(this.#split, 0, at);
      at = chunk.length;
    }
    return at;
  }

  /** The band when it is complete; undefined while rows are missing. */
  takeBand(): Bitmap | undefined {
    if (!this.#isBandFull()) return undefined;
    const band = { data: this.#band, width: this.#header.width, height: this.#rowsInBand };
    this.#band.copy(this.#above, 0, this.#band.length - this.#rowBytes);
    this.#rowsLeft -= this.#rowsInBand;
    this.#rowsInBand = 0;
    this.#band = this.#newBand();
    return band;
  }

  #isBandFull(): boolean {
    return this.#rowsInBand * this.#rowBytes === this.#band.length;
  }

  #newBand(): Buffer {
    return Buffer.allocUnsafeSlow(Math.min(this.#bandRows, this.#rowsLeft) * this.#rowBytes);
  }

  #addRow(raw: Buffer, from: number): void {
    const to = this.#rowsInBand * this.#rowBytes;
    const above = this.#rowsInBand === 0 ? this.#above : this.#band;
    const aboveAt = this.#rowsInBand === 0 ? 0 : to - this.#rowBytes;
    unfilterRow(raw, from, above, aboveAt, this.#band, to, this.#rowBytes, this.#channels);
    this.#rowsInBand++;
  }
}
