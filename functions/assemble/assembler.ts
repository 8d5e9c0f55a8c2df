// Writes the result of a blurred image: fetches its cores row by row, encodes them as they arrive, puts the
// file in place as a whole, and closes the image. Doing it twice changes nothing.
import { about } from '../lib/error-subject.ts';
import { Problem } from '../lib/errors.ts';
import { parseFormat } from '../lib/image/format.ts';
import { encodePng } from '../lib/image/png/encode.ts';
import { labelChunk } from '../lib/image/png/label.ts';
import { stopwatch, time } from '../lib/metrics/measure.ts';
import type { Log } from '../lib/log.ts';
import { freeBytes, type Bitmap, type Channels } from '../lib/image/pixels.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageReader } from '../lib/queue/image-reader.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import type { Results } from '../lib/store/results.ts';
import { continueTrace } from '../lib/tracing/spans.ts';
import { columnsOf, rowsOf, tileCount, tileGrid, type TileGrid } from '../lib/image/tile-grid.ts';
import { allOnWhite } from './on-white.ts';
import { channelsOfImage, stitchRow } from './stitch.ts';

export interface AssemblerParts {
  ledger: Pick<ImageLedger, 'finish' | 'noteFault'>;
  images: Pick<ImageReader, 'record' | 'coreSizes' | 'cores' | 'ancillary'>;
  results: Pick<Results, 'write' | 'remove'>;
  log: Log;
}

export class Assembler {
  readonly #parts: AssemblerParts;
  /** Images being written here, so that two concurrent events for one image cause one write. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(parts: AssemblerParts) {
    this.#parts = parts;
  }

  /**
   * Writes image `id` if it is blurred. An image that is done or cancelled is left alone. Throws a {@link
   * Problem}: `unprocessable-event` if the image is unknown or not blurred, `storage-unavailable` if the
   * result cannot be written.
   */
  async assemble(id: string): Promise<void> {
    const running =
      this.#running.get(id) ??
      about({ imageId: id }, () => this.#assemble(id)).finally(() => this.#running.delete(id));
    this.#running.set(id, running);
    return running;
  }

  async #assemble(id: string): Promise<void> {
    const record = await this.#parts.images.record(id);
    if (record?.state === 'done' || record?.state === 'cancelled') return;
    if (record?.state !== 'blurred') {
      throw new Problem('unprocessable-event', `Image ${id} is ${record?.state ?? 'unknown'}, not blurred.`);
    }
    const { attempts, reclaims, fenced, trace } = record;
    const span = continueTrace(trace, 'write result', {
      attributes: {
        'tessera.image': id,
        'tessera.attempts': attempts,
        'tessera.reclaims': reclaims,
        'tessera.fenced': fenced,
      },
    });
    try {
      const answer = await span.run(() => this.#write(record));
      span.set({ 'tessera.outcome': answer });
      span.end();
    } catch (error) {
      span.end(error);
      throw error;
    }
  }

  async #write(record: ImageRecord): Promise<'finished' | 'again' | 'over'> {
    const { ledger, results, log } = this.#parts;
    const { id, output } = record;
    const secondsTaken = stopwatch();
    let resultBytes = 0;
    let replaced: string | null;
    const count = (bytes: number) => (resultBytes += bytes);
    try {
      replaced = await results.write(id, output, counted(await this.#encode(record), count));
    } catch (error) {
      if (await this.#isOver(id)) return 'over';
      await ledger.noteFault(
        id,
        error instanceof Problem ? error.message : 'Its result could not be written.',
      );
      throw error;
    }
    const answer = await ledger.finish(id, resultBytes);
    if (answer === 'over') await results.remove(id, output); // Cancelled while it was written.
    if (answer === 'finished') {
      time('assemble', secondsTaken());
      time('image', Math.max(0, Date.now() - record.createdAt) / 1000); // Redis's clock may be ahead.
    }
    log.info('Assembled', { imageId: id, name: record.name, output, answer });
    if (replaced !== null) await this.#logReplaced(record, replaced);
    return answer;
  }

  /** Logs that another image has lost its result. If that one has another name, its sender does not expect this. */
  async #logReplaced({ id, name, output }: ImageRecord, replaced: string): Promise<void> {
    const { images, log } = this.#parts;
    const other = await images.record(replaced);
    const level = other !== null && other.name !== name ? 'warn' : 'info';
    const facts = { imageId: id, output, replaced, replacedName: other?.name ?? null };
    log[level]('The result of another image was replaced', facts);
  }

  /** Returns whether another process has ended the image meanwhile and freed its tiles. */
  async #isOver(id: string): Promise<boolean> {
    const record = await this.#parts.images.record(id);
    return record?.state !== 'blurred';
  }

  async #encode(record: ImageRecord): Promise<AsyncIterable<Uint8Array>> {
    const grid = tileGrid(record.width, record.height, record.tileSizePx);
    const tiles = Array.from({ length: tileCount(grid) }, (_, tile) => tile);
    const { images } = this.#parts;
    const channels = channelsOfImage(grid, await images.coreSizes(record.id, tiles));
    const { width, height } = grid;
    const bands = this.#bands(record.id, grid, channels);
    const ancillary = await images.ancillary(record.id);
    const format = parseFormat(record.format);
    if (format.name === 'png') {
      const chunks = Buffer.concat([labelChunk(record.id), ancillary]);
      return encodePng({ width, height, channels }, bands, { ancillary: chunks });
    }
    const { encodeJpeg } = await import('../lib/image/jpeg/encode.ts'); // Most results are PNGs.
    return encodeJpeg({ width, height }, allOnWhite(bands), { ...format, segments: ancillary });
  }

  /** Yields the image's rows from the top, one row of tiles at a time. The next row is fetched while one is encoded. */
  async *#bands(id: string, grid: TileGrid, channels: Channels): AsyncGenerator<Bitmap> {
    let next = this.#cores(id, grid, 0);
    for (let row = 0; row < rowsOf(grid); row++) {
      const cores = await next;
      if (row + 1 < rowsOf(grid)) {
        next = this.#cores(id, grid, row + 1);
        next.catch(() => {}); // Thrown when it is awaited, unless the encoder has failed before.
      }
      const band = stitchRow(grid, row, cores, channels);
      cores.forEach(freeBytes);
      yield band;
      freeBytes(band.data);
    }
  }

  async #cores(id: string, grid: TileGrid, row: number): Promise<Uint8Array[]> {
    const columns = columnsOf(grid);
    const tiles = Array.from({ length: columns }, (_, column) => row * columns + column);
    const cores = await this.#parts.images.cores(id, tiles);
    return cores.map((core, at) => {
      if (core === null) throw new Error(`Tile ${tiles[at]} of image ${id} has no result`);
      return core;
    });
  }
}

/** Yields the same parts, and passes the size of each one to `count`. */
async function* counted(
  parts: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    count(part.length);
    yield part;
  }
}
