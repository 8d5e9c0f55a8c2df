// The images' side of the queue: starts images, enqueues their tiles, and ends them. split starts an image, a worker announces
// it from the outbox, and assemble closes it. Each change is one script.
import type { Redis } from 'ioredis';
import { fieldsOf, type ImagePlan, type ImageState } from './image-record.ts';
import { imageKeys } from './keys.ts';
import type { Admission, Refusal } from './image-room.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

/** An image whose event must be sent, or whose event was just given up. */
export interface DueEvent {
  imageId: string;
  isGivenUp: boolean;
  /** The image's `trace`. */
  trace: string;
}

/** `last`: enqueued, and it was the image's last tile. `over`: the image accepts no more tiles. */
export type EnqueueAnswer = 'enqueued' | 'last' | 'known' | 'over';

export interface BeginOptions {
  /** Whether a done image starts again. */
  again?: boolean;
  /** Kept with the image until its end. */
  ancillary?: Uint8Array;
  /** Size of the image's file, to be counted. */
  uploadBytes?: number;
}

/** How long a split may be silent before its image may be cancelled to make room. */
const ABANDONED_MS = 10 * 60 * 1000;

export interface LedgerOptions {
  keyPrefix: string;
  /** How long the record of an ended image is kept. */
  recordTtlS: number;
  /** How long a result in Redis is kept; 0, or longer than the record: as long as the record. */
  resultTtlS?: number;
  /** Where notices go (see notices.ts). Without it none are written. */
  doneSink?: string | null;
}

export class ImageLedger {
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;
  readonly #recordTtlS: number;
  readonly #resultTtlS: number;
  readonly #areNoticesWanted: '1' | '';
  readonly #clock: () => string;

  constructor(redis: Redis, options: LedgerOptions, clock?: Clock) {
    this.#scripts = new QueueScripts(redis, options.keyPrefix);
    this.#keyPrefix = options.keyPrefix;
    this.#recordTtlS = options.recordTtlS;
    this.#resultTtlS = Math.min(options.resultTtlS || Infinity, options.recordTtlS);
    this.#areNoticesWanted = options.doneSink ? '1' : '';
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /**
   * Starts an image. An image that failed or was cancelled starts again, and so does a done image with
   * `again`. For any other known image, returns its state and changes nothing.
   */
  async begin(
    id: string,
    plan: ImagePlan,
    admission: Admission,
    { again = false, ancillary, uploadBytes = 0 }: BeginOptions = {},
  ): Promise<'begun' | Refusal | ImageState> {
    // Workers of release 0.2 only know kernelSize. Any recipe but a blur's is no valid size, so they fail its
    // tiles.
    const { trace, isStored, ...fields } = plan;
    const record = {
      ...fieldsOf(fields),
      kernelSize: plan.recipe,
      ttl: this.#recordTtlS,
      ...(trace && { trace }),
      ...(isStored && { isStored: '1' }),
    };
    const args = [
      id,
      this.#clock(),
      admission.bytes,
      admission.budgetBytes,
      ABANDONED_MS,
      again ? '1' : '',
      admission.client?.name ?? '',
      admission.client?.budgetBytes ?? admission.budgetBytes,
      uploadBytes,
      ...Object.entries(record).flat(),
    ];
    for (;;) {
      const answer = ancillary?.length
        ? await this.#scripts.runAfterSet(this.#keys(id).staged('ancillary'), ancillary, 'begin', ...args)
        : await this.#scripts.run('begin', ...args);
      if (answer !== 'sweep') return answer as 'begun' | Refusal | ImageState;
      await this.#sweep(id);
    }
  }

  /** Adds one tile to the queue unless it is known already. */
  async enqueue(id: string, tile: number, source: Uint8Array): Promise<EnqueueAnswer> {
    const key = this.#keys(id).src(tile);
    const answer = await this.#scripts.runAfterSet(key, source, 'enqueue', id, tile, this.#clock());
    return answer as EnqueueAnswer;
  }

  /**
   * Returns the image whose event is due, or null. It is due again after a pause that doubles each time.
   * After `maxSendings` sendings the image fails, and is returned as given up instead.
   */
  async due(firstPauseMs: number, maxSendings: number): Promise<DueEvent | null> {
    const args = [this.#clock(), firstPauseMs, maxSendings, this.#recordTtlS, this.#areNoticesWanted];
    const answer = (await this.#scripts.run('due', ...args)) as
      [imageId: string, todo: 'send' | 'given up', trace: string | null] | null;
    if (answer === null) return null;
    const [imageId, todo, trace] = answer;
    return { imageId, isGivenUp: todo === 'given up', trace: trace ?? '' };
  }

  /** Closes a blurred image whose result is written, and counts the bytes of the result. */
  async finish(id: string, resultBytes = 0): Promise<'finished' | 'again' | 'over'> {
    const times = [this.#clock(), this.#recordTtlS, this.#resultTtlS];
    const args = [...times, resultBytes, this.#areNoticesWanted];
    const answer = await this.#scripts.run('finish', id, ...args);
    await this.#sweep(id);
    return answer as 'finished' | 'again' | 'over';
  }

  /** Cancels an image. Returns the state of an image that has ended already, or null for an unknown one. */
  async cancel(id: string): Promise<'cancelled' | 'done' | null> {
    const answer = await this.#scripts.run('cancel', id, this.#clock(), this.#recordTtlS, 'cancelled');
    await this.#sweep(id);
    return answer as 'cancelled' | 'done' | null;
  }

  /**
   * Drops a failed image, which cannot be requeued any more. Returns the state of any other image, or null
   * for an unknown one.
   */
  async drop(id: string): Promise<'dropped' | ImageState | null> {
    const answer = await this.#scripts.run('cancel', id, this.#clock(), this.#recordTtlS, 'failed');
    await this.#sweep(id);
    return answer as 'dropped' | ImageState | null;
  }

  /** Deletes the result of a done image. Returns the state of an image that is not done, or null for an unknown one. */
  async dropResult(id: string): Promise<'dropped' | ImageState | null> {
    return (await this.#scripts.run('drop-result', id)) as 'dropped' | ImageState | null;
  }

  /**
   * Gives a dead letter another chance: a tile gets all its attempts again, an image whose event was given up
   * is announced again. `gone`: it is no longer a dead letter.
   */
  async requeue(letter: string): Promise<'requeued' | 'gone'> {
    return (await this.#scripts.run('requeue', letter, this.#clock())) as 'requeued' | 'gone';
  }

  /** Undoes {@link begin}: deletes everything of the image. */
  async forget(id: string): Promise<void> {
    await this.#scripts.run('forget', id);
    await this.#sweep(id);
  }

  /** Records what keeps a blurred image from being done. An image in another state is left alone. */
  async noteFault(id: string, error: string): Promise<void> {
    await this.#scripts.run('note-fault', id, error);
  }

  /** Frees what an ended life of the image holds, in short steps. */
  async #sweep(id: string): Promise<void> {
    let answer: unknown = 'more';
    while (answer === 'more') answer = await this.#scripts.run('sweep', id, this.#clock());
  }

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
