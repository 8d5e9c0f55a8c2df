// Takes in one image: starts it in the ledger and puts its tiles on the queue. It returns when all of that is in Redis. If it
// dies before, the same request sent again completes the image.
import { about } from '../lib/error-subject.ts';
import { Problem, type ProblemCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { timed } from '../lib/metrics/measure.ts';
import type { ImageLedger } from '../lib/queue/image-ledger.ts';
import type { ImageReader } from '../lib/queue/image-reader.ts';
import type { ImageRecord, ImageState } from '../lib/queue/image-record.ts';
import type { ImageRoom, Refusal } from '../lib/queue/image-room.ts';
import { isOutOfMemory } from '../lib/redis/faults.ts';
import { CallerGone } from '../lib/service/caller-gone.ts';
import { hasResult, type Results } from '../lib/store/results.ts';
import type { Stores } from '../lib/store/stores.ts';
import type { Caller } from './callers.ts';
import { checkImage, type Incoming, type IncomingParts, type SentImage } from './incoming.ts';
import { noMemory, noRoom, noShare } from './room.ts';
import { sendTiles } from './send-tiles.ts';
import { SplitLimit } from './split-limit.ts';
import { SplitSpan, type SplitEnd } from './split-span.ts';

/** The problems of an image that can never be decoded, however often it is tried. */
const endOfImage = new Set<ProblemCode>([
  'invalid-image',
  'unsupported-image',
  'image-too-large',
  'internal',
]);

export interface IntakeParts extends IncomingParts {
  ledger: Pick<ImageLedger, 'begin' | 'enqueue' | 'forget'>;
  images: Pick<ImageReader, 'record' | 'knownTiles'>;
  room: Pick<ImageRoom, 'waitMs' | 'make'>;
  stores: Pick<Stores, 'uploads' | 'memoryBytes'> & { results: Pick<Results, 'placeOf' | 'open'> };
  log: Log;
  /** Called when an image has begun, so that assemble can start while its tiles are on their way. */
  wakeAssemble(): void;
}

export interface TakeOptions extends Pick<SentImage, 'format' | 'output' | 'isStored'> {
  /** Aborted when nobody waits for the answer any more. An image that waits for a decoder is dropped then. */
  gone?: AbortSignal;
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
    { gone, ...options }: TakeOptions = {},
  ): Promise<ImageRecord> {
    const incoming = await checkImage({ name, recipe, bytes, caller, ...options }, this.#parts);
    const { id: imageId } = incoming;
    const { record, isSplitHere } = await about({ imageId }, () => this.#takeIn(incoming, gone));
    if (isSplitHere) {
      const { width, height, tiles } = record;
      this.#parts.log.info('Split', { imageId, name, caller: caller.name, tiles, width, height });
    }
    return record;
  }

  /** Starts the image in the ledger and splits it, unless it has been split already. */
  async #takeIn(
    incoming: Incoming,
    gone: AbortSignal | undefined,
  ): Promise<{ record: ImageRecord; isSplitHere: boolean }> {
    const { images, room } = this.#parts;
    const { id, admission } = incoming;
    const span = new SplitSpan();
    let isSplitHere = false;
    try {
      const state = await this.#begin(incoming, span);
      if (state === 'over-budget') throw await noRoom(room, admission);
      if (state === 'begun') this.#parts.wakeAssemble();
      if (state === 'over-share') throw await noShare(room, admission);
      isSplitHere = state === 'begun' || state === 'splitting';
      if (isSplitHere) await this.#splitInTurn(incoming, span, state === 'begun', gone);
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
    { id, plan, admission, ancillary, bytes }: Incoming,
    { trace }: SplitSpan,
  ): Promise<'begun' | Refusal | ImageState> {
    const { ledger } = this.#parts;
    const options = { ancillary, uploadBytes: bytes.length };
    const state = await ledger.begin(id, { ...plan, trace }, admission, options);
    if (state !== 'done' || (await this.#hasResult(id))) return state;
    return ledger.begin(id, { ...plan, trace }, admission, { ...options, again: true });
  }

  async #hasResult(id: string): Promise<boolean> {
    const record = await this.#parts.images.record(id);
    return record !== null && hasResult(this.#parts.stores.results, id, record.output);
  }

  /** Splits the image when it has a place. If its caller goes before, an image that was begun here leaves nothing behind. */
  async #splitInTurn(
    incoming: Incoming,
    span: SplitSpan,
    isBegunHere: boolean,
    gone: AbortSignal | undefined,
  ): Promise<void> {
    const { id, admission, header } = incoming;
    const pixels = header.width * header.height;
    const split = () => timed('split', () => this.#split(incoming, span));
    try {
      await this.#splits.run(admission.client.name, pixels, split, gone);
    } catch (error) {
      if (error instanceof CallerGone && isBegunHere) await this.#parts.ledger.forget(id);
      throw error;
    }
  }

  async #split(incoming: Incoming, span: SplitSpan): Promise<void> {
    const { images } = this.#parts;
    const { id } = incoming;
    const [record, known] = await Promise.all([images.record(id), images.knownTiles(id)]);
    if (!record) return; // It was cancelled and has expired, so there is nothing to do.
    await span.run(record, () => this.#send(record, known, incoming), leavesNothing);
  }

  /** Puts the tiles that are not `known` on the queue, and keeps the upload. */
  async #send(record: ImageRecord, known: Set<number>, incoming: Incoming): Promise<SplitEnd> {
    const { ledger, stores } = this.#parts;
    const { id, bytes } = incoming;
    try {
      const end = await sendTiles(record, known, incoming, this.#parts);
      // Only now it is known to be an image. Stored inputs have no owner, so an image with an owner is not stored.
      if (end !== 'over' && record.owner === '') await stores.uploads?.keep(id, bytes);
      return end;
    } catch (error) {
      if (leavesNothing(error)) await ledger.forget(id);
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
