// Turns inflated bytes into rows, and rows into bands.
import type { AllocateBand } from '../bands.ts';
import { bandBytes } from '../bands.ts';
import type { Bitmap } from '../pixels.ts';
import { type ExpandRow, rowExpander } from './expand.ts';
import { channelsOfPng, type PngHeader } from './header.ts';
import { rowLength } from './layout.ts';
import { unfilterRow } from './unfilter.ts';
import { viewOf } from './words.ts';

/** Collects the bytes of one pass into rows, and its rows into bands. */
export class RowReader {
  readonly #allocate: AllocateBand;
  readonly #width: number;
  /** Bytes of a row in the file, without its filter byte, and in a band. They only differ if rows are expanded. */
  readonly #fileRow: number;
  readonly #bandRow: number;
  readonly #pixelBytes: number;
  readonly #expand: ExpandRow | undefined;
  readonly #bandRows: number;
  #rowsLeft: number;
  /** A row that is split over two chunks is put together here, with its filter byte. */
  readonly #cut: Buffer;
  #cutLength = 0;
  /** The row above the next one, if it is not in the band: for the band's first row, and for expanded rows. */
  #above: Buffer;
  /** Where rows are unfiltered before they are expanded. */
  #unfiltered: Buffer;
  #band: Buffer;
  #bandView: DataView;
  #rowsInBand = 0;

  /** For the `width` × `height` pixels of a pass of the image. */
  constructor(
    header: PngHeader,
    { width, height }: { width: number; height: number },
    allocate: AllocateBand,
  ) {
    this.#allocate = allocate;
    this.#width = width;
    this.#fileRow = rowLength(header, width);
    this.#bandRow = width * channelsOfPng(header);
    this.#pixelBytes = Math.max(1, (header.samplesAPixel * header.bitDepth) / 8);
    this.#expand = rowExpander(header, width);
    this.#bandRows = Math.max(1, Math.floor(bandBytes / this.#bandRow));
    this.#rowsLeft = height;
    this.#cut = Buffer.allocUnsafe(this.#fileRow + 1);
    this.#above = Buffer.alloc(this.#fileRow);
    this.#unfiltered = Buffer.allocUnsafe(this.#expand === undefined ? 0 : this.#fileRow);
    this.#band = this.#newBand();
    this.#bandView = viewOf(this.#band);
  }

  /** Whether all rows have been returned. */
  get isDone(): boolean {
    return this.#rowsLeft === 0;
  }

  /** Reads rows of `chunk` from `at` on, until it ends or the band is full. Returns the position it reached. */
  read(chunk: Buffer, at: number): number {
    const length = this.#fileRow + 1;
    if (this.#cutLength > 0) {
      const copied = chunk.copy(this.#cut, this.#cutLength, at);
      this.#cutLength += copied;
      at += copied;
      if (this.#cutLength < length) return at;
      this.#cutLength = 0;
      this.#addRow(viewOf(this.#cut), 0);
    }
    const view = viewOf(chunk);
    while (!this.#isBandFull()) {
      if (chunk.length - at < length) {
        this.#cutLength = chunk.copy(this.#cut, 0, at);
        return chunk.length;
      }
      this.#addRow(view, at);
      at += length;
    }
    return at;
  }

  /** Returns the band if it is full, or undefined while rows are missing. */
  takeBand(): Bitmap | undefined {
    if (!this.#isBandFull()) return undefined;
    const band = { data: this.#band, width: this.#width, height: this.#rowsInBand };
    // From now on the band belongs to the consumer, who may transfer it.
    if (this.#expand === undefined) this.#band.copy(this.#above, 0, this.#band.length - this.#bandRow);
    this.#rowsLeft -= this.#rowsInBand;
    this.#rowsInBand = 0;
    this.#band = this.#newBand();
    this.#bandView = viewOf(this.#band);
    return band;
  }

  #isBandFull(): boolean {
    return this.#rowsInBand * this.#bandRow === this.#band.length;
  }

  #newBand(): Buffer {
    return this.#allocate(Math.min(this.#bandRows, this.#rowsLeft) * this.#bandRow);
  }

  #addRow(raw: DataView, from: number): void {
    const [length, pixelBytes] = [this.#fileRow, this.#pixelBytes];
    const to = this.#rowsInBand * this.#bandRow;
    if (this.#expand !== undefined) {
      const row = this.#unfiltered;
      unfilterRow(raw, from, viewOf(this.#above), 0, viewOf(row), 0, length, pixelBytes);
      this.#expand(row, this.#band, to);
      this.#unfiltered = this.#above;
      this.#above = row;
    } else if (this.#rowsInBand === 0) {
      unfilterRow(raw, from, viewOf(this.#above), 0, this.#bandView, to, length, pixelBytes);
    } else {
      unfilterRow(raw, from, this.#bandView, to - length, this.#bandView, to, length, pixelBytes);
    }
    this.#rowsInBand++;
  }
}
