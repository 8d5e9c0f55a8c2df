// Reads what Redis holds of images: their records, the states of their tiles, and their pixels.
import type { Redis } from 'ioredis';
import { hashFields } from '../redis/hash-fields.ts';
import { recordOf, type ImageRecord, type ImageState } from './image-record.ts';
import { imageKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';

export interface DeadTile {
  tile: number;
  reason: string;
}

/** How many tiles one step reads the states of. */
const TILES_PER_STEP = 1000;

export class ImageReader {
  readonly #redis: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
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
    const replies = await this.#send(commands);
    return ids.map((_, at) => ({
      state: replies[2 * at] as ImageState | null,
      done: replies[2 * at + 1] as number,
    }));
  }

  /** Returns the dead tiles of an image, each with its reason. */
  async deadTiles(id: string): Promise<DeadTile[]> {
    const fields = await hashFields(this.#redis, this.#keys(id).dead);
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

  /** Returns the tiles of an image that have been enqueued at any time. */
  async knownTiles(id: string): Promise<Set<number>> {
    const fields = await hashFields(this.#redis, this.#keys(id).tiles);
    return new Set(fields.map(([tile]) => Number(tile)));
  }

  /** Returns the bytes that were stored with the image when it began; no bytes if there were none. */
  async ancillary(id: string): Promise<Uint8Array> {
    return (await this.#redis.getBuffer(this.#keys(id).ancillary)) ?? new Uint8Array();
  }

  /** Returns blurred tiles of an image in the given order; null for a tile without a result. */
  async cores(id: string, tiles: number[]): Promise<(Uint8Array | null)[]> {
    const keys = this.#keys(id);
    const replies = await this.#send(tiles.map((tile) => ['getBuffer', keys.out(tile)]));
    return replies as (Uint8Array | null)[];
  }

  /** Returns the number of bytes of each blurred tile, 0 if there is none. */
  async coreSizes(id: string, tiles: number[]): Promise<number[]> {
    const keys = this.#keys(id);
    const replies = await this.#send(tiles.map((tile) => ['strlen', keys.out(tile)]));
    return replies as number[];
  }

  /** Sends commands together and returns their replies. Throws if one of them has failed. */
  async #send(commands: string[][]): Promise<unknown[]> {
    const answers = (await this.#redis.pipeline(commands).exec()) ?? [];
    return answers.map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
  }

  #keys(id: string) {
    return imageKeys(this.#keyPrefix, id);
  }
}
