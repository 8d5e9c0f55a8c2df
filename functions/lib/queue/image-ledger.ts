// The images' side of the queue: opened by split, filled with tiles, announced from the outbox, closed by assemble.
// Each change is one script; the status record is read from what they leave behind.
import type { Redis } from 'ioredis';
import { imageKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';
import type { Clock } from './tile-queue.ts';

export type ImageState = 'splitting' | 'blurring' | 'blurred' | 'done' | 'failed' | 'cancelled';

/** What split knows of an image when it opens it. Sizes in pixels. */
export interface ImagePlan {
  name: string;
  width: number;
  height: number;
  tileSizePx: number;
  /** Which filter it gets, and with which values: lib/filters/recipe.ts. */
  recipe: string;
  /** Number of tiles. */
  tiles: number;
  /** Where its result goes in the store. */
  output: string;
  /** Whose image it is; '' when it is nobody's in particular. */
  owner: string;
}

/** The status record of an image. Times are milliseconds since the epoch. */
export interface ImageRecord extends ImagePlan {
  id: string;
  state: ImageState;
  /** Tiles done. */
  done: number;
  /** Claims of all its tiles together, released ones not counted. */
  attempts: number;
  /** Leases that expired before their tile was acked. */
  reclaims: number;
  /** Acks refused because another claim had the tile by then. */
  fenced: number;
  /** Times its event was sent. */
  announced: number;
  createdAt: number;
  blurredAt: number | null;
  endedAt: number | null;
  /** Why it failed, or what keeps it from being done. */
  error: string | null;
  /** Why the result of an image that was done is not there any more, where that is known. */
  gone: 'expired' | 'room' | 'deleted' | null;
}

export interface DeadTile {
  tile: number;
  reason: string;
}

/** An image whose event is to be sent, or was given up just now. */
export interface DueEvent {
  imageId: string;
  isGivenUp: boolean;
}

export interface Admission {
  /** Bytes of Redis memory the image may hold at its peak. */
  bytes: number;
  /** Bytes all images together may hold. */
  budgetBytes: number;
  /** Who sends the image, and the bytes that this client's images may hold together. */
  client?: { name: string; budgetBytes: number };
}

/** Why an image is not let in now. */
export type Refusal = 'over-budget' | 'over-share';

/** How long a split may be silent before its image may be given up to make room. */
const ABANDONED_MS = 10 * 60 * 1000;
/** How long a split may be silent before it may have died, and its request come again to resume it. */
const SILENT_MS = 5000;

export interface LedgerOptions {
  keyPrefix: string;
  /** How long the record of an image is kept after its end. */
  recordTtlS: number;
  /** How long a result is kept that is in Redis; 0, or longer than the record: as long as that. */
  resultTtlS?: number;
}

export class ImageLedger {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;
  readonly #recordTtlS: number;
  readonly #resultTtlS: number;
  readonly #clock: () => string;

  constructor(redis: Redis, options: LedgerOptions, clock?: Clock) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, options.keyPrefix);
    this.#keyPrefix = options.keyPrefix;
    this.#recordTtlS = options.recordTtlS;
    this.#resultTtlS = Math.min(options.resultTtlS || Infinity, options.recordTtlS);
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /**
   * Opens an image. An image that failed or was cancelled starts over, and one that is done does if `again` says so;
   * of any other the state it is in comes back and nothing changes. `ancillary` is kept with it until its end.
   */
  async begin(
    id: string,
    plan: ImagePlan,
    admission: Admission,
    { again = false, ancillary }: { again?: boolean; ancillary?: Uint8Array } = {},
  ): Promise<'begun' | Refusal | ImageState> {
    // Workers of release 0.2 know the kernel's size alone. Anything but a blur's recipe is no size, so they fail its tiles.
    const record = { ...plan, kernelSize: plan.recipe, ttl: this.#recordTtlS };
    const args = [
      id,
      this.#clock(),
      admission.bytes,
      admission.budgetBytes,
      ABANDONED_MS,
      again ? '1' : '',
      admission.client?.name ?? '',
      admission.client?.budgetBytes ?? admission.budgetBytes,
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

  /** Puts one tile on the queue unless it is known already. `over`: the image takes no more tiles. */
  async enqueue(id: string, tile: number, source: Uint8Array): Promise<'enqueued' | 'known' | 'over'> {
    const key = this.#keys(id).src(tile);
    const answer = await this.#scripts.runAfterSet(key, source, 'enqueue', id, tile, this.#clock());
    return answer as 'enqueued' | 'known' | 'over';
  }

  /** The tiles of an image that were enqueued at any time. */
  async knownTiles(id: string): Promise<Set<number>> {
    const fields = await this.#fields(this.#keys(id).tiles);
    return new Set(fields.map(([tile]) => Number(tile)));
  }

  /**
   * The image whose event is due, or null. It is due again after a pause that doubles each time. Once it was sent
   * `maxSendings` times, the image fails and comes back as given up instead.
   */
  async due(firstPauseMs: number, maxSendings: number): Promise<DueEvent | null> {
    const args = [this.#clock(), firstPauseMs, maxSendings, this.#recordTtlS];
    const answer = (await this.#scripts.run('due', ...args)) as [string, 'send' | 'given up'] | null;
    return answer && { imageId: answer[0], isGivenUp: answer[1] === 'given up' };
  }

  /** What {@link begin} was given to keep with the image; no bytes when that was nothing. */
  async ancillary(id: string): Promise<Uint8Array> {
    return (await this.#redis.getBuffer(this.#keys(id).ancillary)) ?? new Uint8Array();
  }

  /** Blurred tiles of an image, in the order asked for; null where a tile has no result. */
  async cores(id: string, tiles: number[]): Promise<(Uint8Array | null)[]> {
    const keys = this.#keys(id);
    const answers = await this.#redis.pipeline(tiles.map((tile) => ['getBuffer', keys.out(tile)])).exec();
    return (answers ?? []).map(([error, bytes]) => {
      if (error) throw error;
      return bytes as Uint8Array | null;
    });
  }

  /** Bytes of each blurred tile, 0 where there is none. */
  async coreSizes(id: string, tiles: number[]): Promise<number[]> {
    const keys = this.#keys(id);
    const answers = await this.#redis.pipeline(tiles.map((tile) => ['strlen', keys.out(tile)])).exec();
    return (answers ?? []).map(([error, length]) => {
      if (error) throw error;
      return length as number;
    });
  }

  /** Closes a blurred image whose result is written. */
  async finish(id: string): Promise<'finished' | 'again' | 'over'> {
    const answer = await this.#scripts.run('finish', id, this.#clock(), this.#recordTtlS, this.#resultTtlS);
    await this.#sweep(id);
    return answer as 'finished' | 'again' | 'over';
  }

  /** Gives an image up. Answers the state of one that is over already, null for an unknown one. */
  async cancel(id: string): Promise<'cancelled' | 'done' | null> {
    const answer = await this.#scripts.run('cancel', id, this.#clock(), this.#recordTtlS, 'cancelled');
    await this.#sweep(id);
    return answer as 'cancelled' | 'done' | null;
  }

  /** Gives up an image that has failed: it cannot be requeued any more. Returns the state of any other, or null. */
  async drop(id: string): Promise<'dropped' | ImageState | null> {
    const answer = await this.#scripts.run('cancel', id, this.#clock(), this.#recordTtlS, 'failed');
    await this.#sweep(id);
    return answer as 'dropped' | ImageState | null;
  }

  /** Lets go of the result of an image that is done. Returns the state of one that is not, null for an unknown one. */
  async dropResult(id: string): Promise<'dropped' | ImageState | null> {
    return (await this.#scripts.run('drop-result', id)) as 'dropped' | ImageState | null;
  }

  /**
   * When an image for which there is no room may come again, in milliseconds from now; null when there may be room for it
   * already.
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
   * Gives a dead letter another chance: a job's tile another full set of attempts, an image another full set of events.
   * `gone`: it is none any more.
   */
  async requeue(letter: string): Promise<'requeued' | 'gone'> {
    return (await this.#scripts.run('requeue', letter, this.#clock())) as 'requeued' | 'gone';
  }

  /** Undoes {@link begin}: nothing of the image stays. */
  async forget(id: string): Promise<void> {
    await this.#scripts.run('forget', id);
    await this.#sweep(id);
  }

  /** Notes in the record what keeps a blurred image from being done. One that is not blurred any more is left alone. */
  async noteFault(id: string, error: string): Promise<void> {
    await this.#scripts.run('note-fault', id, error);
  }

  /** The record of an image, or null when there is none. */
  async record(id: string): Promise<ImageRecord | null> {
    const keys = this.#keys(id);
    const [fields, done] = await Promise.all([this.#redis.hgetall(keys.meta), this.#redis.scard(keys.done)]);
    if (!fields.state) return null;
    const number = (name: string) => Number(fields[name] ?? 0);
    const state = fields.state as ImageState;
    return {
      id,
      name: fields.name,
      width: number('width'),
      height: number('height'),
      tileSizePx: number('tileSizePx'),
      recipe: fields.recipe ?? fields.kernelSize ?? '',
      tiles: number('tiles'),
      state,
      done: state === 'done' ? number('tiles') : done,
      attempts: number('attempts'),
      reclaims: number('reclaims'),
      fenced: number('fenced'),
      announced: number('announced'),
      createdAt: number('createdAt'),
      blurredAt: fields.blurredAt ? number('blurredAt') : null,
      endedAt: fields.endedAt ? number('endedAt') : null,
      error: fields.error ?? null,
      gone: (fields.gone ?? null) as ImageRecord['gone'],
      output: fields.output ?? '',
      owner: fields.owner ?? '',
    };
  }

  /** The tiles of an image that were given up, with the reason each. */
  async deadTiles(id: string): Promise<DeadTile[]> {
    const fields = await this.#fields(this.#keys(id).dead);
    return fields.map(([tile, reason]) => ({ tile: Number(tile), reason })).sort((a, b) => a.tile - b.tile);
  }

  /** Records of the newest `limit` images, newest first; those of one owner if there is one. */
  async newest(limit: number, owner = ''): Promise<ImageRecord[]> {
    for (;;) {
      const [expired, ...ids] = (await this.#scripts.run('newest', limit, owner)) as [number, ...string[]];
      if (ids.length < limit && expired > 0) continue;
      const records = await Promise.all(ids.map((id) => this.record(id)));
      return records.filter((record) => record !== null);
    }
  }

  /** Frees what an ended life of the image holds, in steps none of which keeps Redis from others for long. */
  async #sweep(id: string): Promise<void> {
    let answer: unknown = 'more';
    while (answer === 'more') answer = await this.#scripts.run('sweep', id, this.#clock());
  }

  /** All fields of a hash of any size, read a few hundred at a time. */
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
