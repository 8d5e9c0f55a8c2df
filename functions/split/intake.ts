// Takes in one image: checks it, starts it in the ledger, cuts it and puts its tiles on the queue. It returns when all of that
// is in Redis. If it dies before, the same request sent again completes the image.
import type { Config } from '../lib/config.ts';
import { about } from '../lib/error-subject.ts';
import { Problem, type ProblemCode } from '../lib/errors.ts';
import { haloOf, parseRecipe } from '../lib/filters/recipe.ts';
import { MAX_JPEG_SIDE_PX, parseFormat, PNG, type ResultFormat } from '../lib/image/format.ts';
import { resultSegments } from '../lib/image/jpeg/segments.ts';
import { decodeBands, readHeader, type ImageHeader } from '../lib/image/read.ts';
import { ancillaryChunks } from '../lib/image/png/appearance.ts';
import type { Log } from '../lib/log.ts';
import { timed } from '../lib/metrics/measure.ts';
import { CallerGone } from '../lib/service/caller-gone.ts';
import { freeBytes } from '../lib/image/pixels.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageReader } from '../lib/queue/image-reader.ts';
import type { ImagePlan, ImageRecord, ImageState } from '../lib/queue/image-record.ts';
import type { Admission, ImageRoom, Refusal } from '../lib/queue/image-room.ts';
import { RECORD_BYTES } from '../lib/queue/record-bytes.ts';
import { allocatedBytes } from '../lib/redis/allocated-bytes.ts';
import { isOutOfMemory } from '../lib/redis/faults.ts';
import { outputName } from '../lib/store/output-names.ts';
import { hasResult, type Results } from '../lib/store/results.ts';
import type { Stores } from '../lib/store/stores.ts';
import { tileCount, tileGrid, type TileGrid } from '../lib/image/tile-grid.ts';
import type { Caller } from './callers.ts';
import { cutTiles } from './cut.ts';
import { imageId } from './image-id.ts';
import { InFlight } from './in-flight.ts';
import { filesBytes, tilesBytes } from './memory.ts';
import { noMemory, noRoom, noShare } from './room.ts';
import { assertPixelsPerByte } from './pixel-limit.ts';
import { SplitLimit } from './split-limit.ts';
import { SplitSpan, type SplitEnd } from './split-span.ts';

/** Tiles that were sent to Redis but are not confirmed. */
const TILES_IN_FLIGHT = 32;
/**
 * How many scans a JPEG of MAX_PIXELS may have; a smaller one may have more. Most encoders write ten,
 * optimising ones fourteen.
 */
const SCANS_OF_LARGEST = 20;
/** The problems of an image that can never be decoded, however often it is tried. */
const endOfImage = new Set<ProblemCode>([
  'invalid-image',
  'unsupported-image',
  'image-too-large',
  'internal',
]);

export interface IntakeParts {
  config: Config;
  ledger: Pick<ImageLedger, 'begin' | 'enqueue' | 'forget'>;
  images: Pick<ImageReader, 'record' | 'knownTiles'>;
  room: Pick<ImageRoom, 'waitMs' | 'make'>;
  stores: Pick<Stores, 'uploads' | 'memoryBytes'> & { results: Pick<Results, 'placeOf' | 'open'> };
  log: Log;
  /** Called when an image has begun, so that assemble can start while its tiles are on their way. */
  wakeAssemble(): void;
}

export interface TakeOptions {
  /** The name of the result; by default made from the image's name. */
  output?: string;
  /** Whether the image is one of the stored inputs. */
  isStored?: boolean;
  /** The format of the result: lib/image/format.ts. */
  format?: string;
  /** Aborted when nobody waits for the answer any more. An image that waits for a decoder is dropped then. */
  gone?: AbortSignal;
}

/** An image that has been checked, but is not in the ledger yet. */
interface Incoming {
  plan: ImagePlan;
  admission: Required<Admission>;
  ancillary: Uint8Array;
  bytes: Uint8Array;
  header: ImageHeader;
  gone: AbortSignal | undefined;
  span: SplitSpan;
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly #splits: SplitLimit;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#splits = new SplitLimit(parts.config);
  }

  /**
   * Takes in the image `bytes` with the name `name` for `caller`. The same
   * bytes, name, recipe and format are the same image: if it is in progress it is resumed, and if it is done it stays
   * done while its result exists. Throws a {@link Problem} for a bad image, and leaves nothing behind.
   */
  async take(
    name: string,
    recipe: string,
    bytes: Uint8Array,
    caller: Caller,
    { format = PNG, output, isStored, gone }: TakeOptions = {},
  ): Promise<ImageRecord> {
    const { config, stores, log } = this.#parts;
    const header = readHeader(bytes, config);
    assertPixelsPerByte(header, bytes.length, config.pixelsPerByte);
    const resultFormat = parseFormat(format);
    assertFormat(header, resultFormat);
    const grid = gridOf(header, config.tileSizePx, recipe);
    const id = await imageId({ name, recipe, format, owner: caller.owner }, bytes);
    const file = output ?? outputName(name, parseRecipe(recipe).filter, resultFormat.name);
    const place = stores.results.placeOf(id, caller.owner === null ? file : `${caller.owner}/${file}`);
    assertTiles(grid, config.maxTiles);
    const span = new SplitSpan();
    const plan = {
      ...planOf(name, { recipe, format }, grid, place, caller.owner),
      isStored,
      trace: span.trace,
    };
    const ancillary = await ancillaryOf(id, header, resultFormat);
    const admission = {
      bytes:
        RECORD_BYTES +
        tilesBytes(grid, header, 2 * TILES_IN_FLIGHT) +
        allocatedBytes(ancillary.length) +
        filesBytes(
          { header, uploadBytes: bytes.length, ancillaryBytes: ancillary.length, format: resultFormat },
          stores,
        ),
      budgetBytes: config.redisBudgetBytes,
      client: { name: caller.name, budgetBytes: Math.floor(config.redisBudgetBytes * config.clientShare) },
    };
    assertShare(admission, config);
    const { record, isSplitHere } = await about({ imageId: id }, () =>
      this.#takeIn(id, { plan, admission, ancillary, bytes, header, gone, span }),
    );
    if (isSplitHere) {
      const { width, height, tiles } = record;
      log.info('Split', { imageId: id, name, caller: caller.name, tiles, width, height });
    }
    return record;
  }

  /** Starts the image in the ledger and splits it, unless it has been split already. */
  async #takeIn(id: string, incoming: Incoming): Promise<{ record: ImageRecord; isSplitHere: boolean }> {
    const { images, room } = this.#parts;
    const { admission } = incoming;
    let isSplitHere = false;
    try {
      const state = await this.#begin(id, incoming);
      if (state === 'over-budget') throw await noRoom(room, admission);
      if (state === 'begun') this.#parts.wakeAssemble();
      if (state === 'over-share') throw await noShare(room, admission);
      isSplitHere = state === 'begun' || state === 'splitting';
      if (isSplitHere) await this.#splitInTurn(id, incoming, state === 'begun');
    } catch (error) {
      throw isOutOfMemory(error) ? await noMemory(room, admission, error) : error;
    }
    const record = await images.record(id);
    // The same image was sent twice at once, and the other request had to give it up.
    if (!record) throw await noRoom(room, admission);
    return { record, isSplitHere };
  }

  /** Starts the image; a done image only if its result is gone. */
  async #begin(
    id: string,
    { plan, admission, ancillary, bytes }: Incoming,
  ): Promise<'begun' | Refusal | ImageState> {
    const { ledger } = this.#parts;
    const options = { ancillary, uploadBytes: bytes.length };
    const state = await ledger.begin(id, plan, admission, options);
    if (state !== 'done' || (await this.#hasResult(id))) return state;
    return ledger.begin(id, plan, admission, { ...options, again: true });
  }

  async #hasResult(id: string): Promise<boolean> {
    const record = await this.#parts.images.record(id);
    return record !== null && hasResult(this.#parts.stores.results, id, record.output);
  }

  /** Splits the image when it has a place. If its caller goes before, an image that was begun here leaves nothing behind. */
  async #splitInTurn(id: string, incoming: Incoming, isBegunHere: boolean): Promise<void> {
    const { admission, header, gone } = incoming;
    const pixels = header.width * header.height;
    try {
      await this.#splits.run(
        admission.client.name,
        pixels,
        () => timed('split', () => this.#split(id, incoming)),
        gone,
      );
    } catch (error) {
      if (error instanceof CallerGone && isBegunHere) await this.#parts.ledger.forget(id);
      throw error;
    }
  }

  async #split(id: string, { bytes, header, span }: Incoming): Promise<void> {
    const { images } = this.#parts;
    const [record, known] = await Promise.all([images.record(id), images.knownTiles(id)]);
    if (!record) return; // It was cancelled and has expired, so there is nothing to do.
    await span.run(record, () => this.#cut(record, known, bytes, header), leavesNothing);
  }

  /** Puts the tiles that are not `known` on the queue. */
  async #cut(
    record: ImageRecord,
    known: Set<number>,
    bytes: Uint8Array,
    header: ImageHeader,
  ): Promise<SplitEnd> {
    const {
      config,
      ledger,
      stores: { uploads },
    } = this.#parts;
    const { id } = record;
    // A resumed image is cut as it was started, whatever the tile size is now.
    const grid = gridOf(header, record.tileSizePx, record.recipe);
    const inFlight = new InFlight(TILES_IN_FLIGHT);
    let isOver = false;
    let isComplete = false;
    try {
      for await (const { tile, source } of cutTiles(
        decodeBands(bytes, header, {
          timeoutMs: config.decodeTimeoutMs,
          memoryBytes: config.decodeMemoryBytes,
          scanPixels: SCANS_OF_LARGEST * config.maxPixels,
        }),
        grid,
        (each) => !known.has(each),
      )) {
        await inFlight.add(async () => {
          const answer = await about({ tile }, () => ledger.enqueue(id, tile, source));
          isOver ||= answer === 'over';
          isComplete ||= answer === 'last';
          freeBytes(source); // Redis has replied. After a fault its socket may still read these bytes.
        });
        if (isOver) break;
      }
      await inFlight.settle();
      // Only now it is known to be an image. Stored inputs have no owner, so an image with an owner is not
      // stored.
      if (!isOver && record.owner === '') await uploads?.keep(id, bytes);
      if (isOver) return 'over';
      return isComplete ? 'complete' : 'elsewhere';
    } catch (error) {
      if (leavesNothing(error)) {
        await inFlight.settle().catch(() => {}); // Tiles in flight arrive before the image is deleted.
        await ledger.forget(id);
      }
      throw error;
    }
  }
}

/**
 * Returns whether a fault ends the image: it cannot be decoded, or Redis has no memory for the rest. After
 * other faults it can be resumed.
 */
function leavesNothing(error: unknown): boolean {
  return (error instanceof Problem && endOfImage.has(error.code)) || isOutOfMemory(error);
}

/**
 * Throws a {@link Problem} for an image with too many tiles, because each tile costs something in Redis and
 * in a worker, however small it is.
 */
function assertTiles(grid: TileGrid, maxTiles: number): void {
  const tiles = tileCount(grid);
  if (tiles <= maxTiles) return;
  throw new Problem(
    'image-too-large',
    `The image has ${tiles} tiles of ${grid.tileSizePx} px, more than ${maxTiles}.`,
  );
}

function gridOf({ width, height }: ImageHeader, tileSizePx: number, recipe: string): TileGrid {
  return tileGrid(width, height, tileSizePx, haloOf(parseRecipe(recipe)));
}

/** Throws a {@link Problem} for an image that needs more memory than one caller ever gets. */
function assertShare({ bytes, client }: Required<Admission>, config: Config): void {
  if (bytes <= client.budgetBytes) return;
  const share = `CLIENT_SHARE (${config.clientShare}) of REDIS_BUDGET_BYTES (${config.redisBudgetBytes})`;
  throw new Problem(
    'image-too-large',
    `With this filter the image needs ${bytes} bytes of Redis memory. One caller may have ${client.budgetBytes}: ${share}.`,
  );
}

/** Throws a {@link Problem} for an image that the format of its result has no room for. */
function assertFormat({ width, height }: ImageHeader, format: ResultFormat): void {
  if (format.name === 'png' || Math.max(width, height) <= MAX_JPEG_SIDE_PX) return;
  throw new Problem(
    'image-too-large',
    `The image has ${width}x${height} pixels. A JPEG has at most ${MAX_JPEG_SIDE_PX} on each side; ask for a PNG.`,
  );
}

/** Returns what the result holds besides its pixels, ready to be copied into the file. */
async function ancillaryOf(
  id: string,
  { appearance }: ImageHeader,
  format: ResultFormat,
): Promise<Uint8Array> {
  return format.name === 'png' ? ancillaryChunks(appearance) : resultSegments(id, appearance);
}

function planOf(
  name: string,
  { recipe, format }: { recipe: string; format: string },
  grid: TileGrid,
  output: string,
  owner: string | null,
): ImagePlan {
  const { width, height, tileSizePx } = grid;
  const tiles = tileCount(grid);
  return { name, width, height, tileSizePx, recipe, format, tiles, output, owner: owner ?? '' };
}
