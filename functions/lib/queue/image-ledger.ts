// The images' side of the queue. split starts an image and enqueues its tiles, a worker announces it from the
// outbox, assemble closes it. Each change is one script. The status record is read from the keys that they
// write.
import type { Redis } from 'ioredis';
import { freeBytesBelowLimit } from '../redis/memory-limit.ts';
import { fieldsOf, recordOf, type ImagePlan, type ImageRecord, type ImageState } from './image-record.ts';
import { imageKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

export interface DeadTile {
  tile: number;
  reason: string;
}

/** An image whose event must be sent, or whose event was just given up. */
export interface DueEvent {
  imageId: string;
  isGivenUp: boolean;
  /** The image's `trace`. */
  trace: string;
}

export interface Admission {
  /** Bytes of Redis memory that the image may hold at its peak. */
  bytes: number;
  /** Bytes that all images together may hold. */
  budgetBytes: number;
  /** Who sends the image, and the bytes that this client's images may hold together. */
  client?: { name: string; budgetBytes: number };
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

/** Why an image is not admitted now. */
export type Refusal = 'over-budget' | 'over-share';

/** How long a split may be silent before its image may be cancelled to make room. */
const ABANDONED_MS = 10 * 60 * 1000;
/** After this silence a split may have died, and a repeated request may resume its image. */
const SILENT_MS = 5000;
/** How many tiles one step reads the states of. */
const TILES_PER_STEP = 1000;

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
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;
  readonly #recordTtlS: number;
  readonly #resultTtlS: number;
  readonly #areNoticesWanted: '1' | '';
  readonly #clock: () => string;

  constructor(redis: Redis, options: LedgerOptions, clock?: Clock) {
    this.#redis = redis;
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

  /** Returns the tiles of an image that have been enqueued at any time. */
  async knownTiles(id: string): Promise<Set<number>> {
    const fields = await this.#fields(this.#keys(id).tiles);
    return new Set(fields.map(([tile]) => Number(tile)));
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

  /** Returns the bytes that {@link begin} stored with the image; no bytes if there were none. */
  async ancillary(id: string): Promise<Uint8Array> {
    return (await this.#redis.getBuffer(this.#keys(id).ancillary)) ?? new Uint8Array();
  }

  /** Returns blurred tiles of an image in the given order; null for a tile without a result. */
  async cores(id: string, tiles: number[]): Promise<(Uint8Array | null)[]> {
    const keys = this.#keys(id);
    const answers = await this.#redis.pipeline(tiles.map((tile) => ['getBuffer', keys.out(tile)])).exec();
    return (answers ?? []).map(([error, bytes]) => {
      if (error) throw error;
      return bytes as Uint8Array | null;
    });
  }

  /** Returns the number of bytes of each blurred tile, 0 if there is none. */
  async coreSizes(id: string, tiles: number[]): Promise<number[]> {
    const keys = this.#keys(id);
    const answers = await this.#redis.pipeline(tiles.map((tile) => ['strlen', keys.out(tile)])).exec();
    return (answers ?? []).map(([error, length]) => {
      if (error) throw error;
      return length as number;
    });
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
   * Returns in how many milliseconds a caller should try again with an image for which there is no room, or
   * null if there may be room already.
   */
  async waitForRoom({ bytes, budgetBytes, client }: Admission): Promise<number | null> {
    const answer = await this.#scripts.run(
      'wait-for-room',
      this.#clock(),
      bytes,
      budgetBytes,
      SILENT_MS,
      client?.name ?? '',
      client?.budgetBytes ?? budgetBytes,
    );
    return answer as number | null;
  }

  /**
   * Makes room for an image in a Redis at its memory limit: removes the oldest results, and records beyond their part of the
   * budget, until the image fits. Removes nothing if it would not fit even without them. Returns whether it fits.
   */
  async makeRoom({ bytes, budgetBytes }: Admission): Promise<boolean> {
    let missing = bytes - (await freeBytesBelowLimit(this.#redis));
    while (missing > 0) {
      const freed = (await this.#scripts.run('make-room', missing, budgetBytes)) as number;
      if (freed === 0) return false;
      missing -= freed;
    }
    return true;
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

  /** Returns the record of an image, or null if there is none. */
  async record(id: string): Promise<ImageRecord | null> {
    const keys = this.#keys(id);
    const [fields, done] = await Promise.all([this.#redis.hgetall(keys.meta), this.#redis.scard(keys.done)]);
    return fields.state ? recordOf(id, fields, done) : null;
  }

  /**
   * Returns the state of each image and how many of its tiles are done. This is much cheaper than reading the records. An unknown
   * image has no state. The tiles of an ended image are not counted.
   */
  async glimpses(ids: string[]): Promise<{ state: ImageState | null; done: number }[]> {
    const commands = ids.flatMap((id) => [
      ['hget', this.#keys(id).meta, 'state'],
      ['scard', this.#keys(id).done],
    ]);
    const answers = (await this.#redis.pipeline(commands).exec()) ?? [];
    for (const [error] of answers) if (error) throw error;
    return ids.map((_, at) => ({
      state: answers[2 * at][1] as ImageState | null,
      done: answers[2 * at + 1][1] as number,
    }));
  }

  /** Returns the dead tiles of an image, each with its reason. */
  async deadTiles(id: string): Promise<DeadTile[]> {
    const fields = await this.#fields(this.#keys(id).dead);
    return fields.map(([tile, reason]) => ({ tile: Number(tile), reason })).sort((a, b) => a.tile - b.tile);
  }

  /**
   * Returns the image's state and one character for each of its `tiles`, as tile-map.lua describes them, or null if there is no
   * such image. It is read in steps, so the image may change meanwhile; the state is that of the last step.
   */
  async tileMap(id: string, tiles: number): Promise<{ state: ImageState; characters: string } | null> {
    let state: ImageState | null = null;
    let characters = '';
    while (characters.length < tiles) {
      const count = Math.min(TILES_PER_STEP, tiles - characters.length);
      const answer = await this.#scripts.run('tile-map', id, characters.length, count);
      if (answer === null) return null;
      const [stateNow, more] = answer as [ImageState, string];
      state = stateNow;
      characters += more;
    }
    return state && { state, characters };
  }

  /** Returns the records of the newest `limit` images, newest first; only those of `owner` if it is given. */
  async newest(limit: number, owner = ''): Promise<ImageRecord[]> {
    for (;;) {
      const [expired, ...ids] = (await this.#scripts.run('newest', limit, owner)) as [number, ...string[]];
      if (ids.length < limit && expired > 0) continue;
      const records = await Promise.all(ids.map((id) => this.record(id)));
      return records.filter((record) => record !== null);
    }
  }

  /** Frees what an ended life of the image holds, in short steps. */
  async #sweep(id: string): Promise<void> {
    let answer: unknown = 'more';
    while (answer === 'more') answer = await this.#scripts.run('sweep', id, this.#clock());
  }

  /** Returns all fields of a hash of any size, read a few hundred at a time. */
  async #fields(key: string): Promise<[field: string, value: string][]> {
    const fields = new Map<string, string>();
    let cursor = '0';
    do {
      const [next, found] = await this.#redis.hscan(key, cursor, 'COUNT', 256);
      for (let at = 0; at < found.length; at += 2) fields.set(found[at], found[at + 1]);
      cursor = next;
    } while (cursor !== '0');
    return [...fields];
  }

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
