// The dead letters: tiles after MAX_ATTEMPTS, and images after MAX_ANNOUNCEMENTS. They can be listed, requeued and dropped.
import type { Redis } from 'ioredis';
import { isImageId, parseJob, type Job } from '../job.ts';
import { ImageLedger, type LedgerOptions } from './image-ledger.ts';
import { ImageReader } from './image-reader.ts';
import type { ImageRecord } from './image-record.ts';
import { imageKeys, queueKeys } from './keys.ts';

export interface DeadLetter {
  /** A job, or the id of an image whose event was given up. */
  letter: string;
  imageId: string;
  /** The tile; null for an image whose event was given up. */
  tile: number | null;
  /** The image's record; null if it has expired. */
  record: ImageRecord | null;
  /** Why it is a dead letter; null if that has expired. */
  reason: string | null;
  /** When it became a dead letter, ms since the epoch. */
  at: number;
}

/** Letters that are read in one step. */
const STEP = 100;

export class DeadLetters {
  readonly #redis: Redis;
  readonly #keyPrefix: string;
  readonly #ledger: ImageLedger;
  readonly #images: ImageReader;

  constructor(redis: Redis, options: LedgerOptions) {
    this.#redis = redis;
    this.#keyPrefix = options.keyPrefix;
    this.#ledger = new ImageLedger(redis, options);
    this.#images = new ImageReader(redis, options.keyPrefix);
  }

  /** Yields the dead letters that match, newest first. */
  async *newestFirst(fits: (letter: string) => boolean = () => true): AsyncGenerator<DeadLetter> {
    const records = new Map<string, Promise<ImageRecord | null>>();
    const recordOf = (id: string) => {
      const record = records.get(id) ?? this.#images.record(id);
      records.set(id, record);
      return record;
    };
    const { dead } = queueKeys(this.#keyPrefix);
    const seen = new Set<string>(); // A letter that arrives meanwhile moves the others on.
    for (let first = 0; ; first += STEP) {
      const last = first + STEP - 1;
      const found = await this.#redis.zrange(dead, `${first}`, `${last}`, 'REV', 'WITHSCORES');
      const entries: [letter: string, at: number][] = [];
      for (let at = 0; at < found.length; at += 2) entries.push([found[at], Number(found[at + 1])]);
      const wanted = entries.filter(([letter]) => isLetter(letter) && fits(letter) && !seen.has(letter));
      wanted.forEach(([letter]) => seen.add(letter));
      yield* await Promise.all(wanted.map(([letter, at]) => this.#read(letter, at, recordOf)));
      if (entries.length < STEP) return;
    }
  }

  /** Returns the newest dead letters of images that still have a record, at most `limit`; with `owner` only this owner's. */
  async newest(
    limit: number,
    owner: string | null = null,
  ): Promise<(DeadLetter & { record: ImageRecord })[]> {
    const letters: (DeadLetter & { record: ImageRecord })[] = [];
    for await (const letter of this.newestFirst()) {
      const { record } = letter;
      if (record === null || (owner !== null && record.owner !== owner)) continue;
      letters.push({ ...letter, record });
      if (letters.length === limit) break;
    }
    return letters;
  }

  /** Requeues a dead letter. Returns `gone` if its image is over; then it is no longer a dead letter either. */
  async requeue(letter: string): Promise<'requeued' | 'gone'> {
    return this.#ledger.requeue(letter);
  }

  /**
   * Requeues all dead letters of an image. Returns how many there were: 0 if it has none, or if the pixels of a dead tile are
   * gone, which would only fail again.
   */
  async requeueImage(id: string): Promise<number> {
    const dead = await this.#images.deadTiles(id);
    const keys = imageKeys(this.#keyPrefix, id);
    const sources = await Promise.all(dead.map(({ tile }) => this.#redis.exists(keys.src(tile))));
    if (sources.includes(0)) return 0;
    const letters = dead.length > 0 ? dead.map(({ tile }) => `${id}:${tile}`) : [id];
    const answers = await Promise.all(letters.map((letter) => this.#ledger.requeue(letter)));
    return answers.filter((answer) => answer === 'requeued').length;
  }

  /** Drops the image of a letter, with all its dead letters. `gone`: it was over already. */
  async drop({ letter, imageId }: DeadLetter): Promise<'dropped' | 'gone'> {
    if ((await this.#ledger.drop(imageId)) === 'dropped') return 'dropped';
    await this.#redis.zrem(queueKeys(this.#keyPrefix).dead, letter); // Its image is over; only the letter may be left.
    return 'gone';
  }

  async #read(
    letter: string,
    at: number,
    recordOf: (id: string) => Promise<ImageRecord | null>,
  ): Promise<DeadLetter> {
    const job = parseJob(letter);
    const imageId = job?.imageId ?? letter;
    const record = await recordOf(imageId);
    const reason = job ? await this.#reasonOf(job) : (record?.error ?? null);
    return { letter, imageId, tile: job?.tile ?? null, record, reason, at };
  }

  async #reasonOf({ imageId, tile }: Job): Promise<string | null> {
    return this.#redis.hget(imageKeys(this.#keyPrefix, imageId).dead, String(tile));
  }
}

function isLetter(text: string): boolean {
  return parseJob(text) !== null || isImageId(text);
}
