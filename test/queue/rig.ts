// The base of the queue's tests: a private Redis, both sides of the queue on one connection, and a clock that
// only a test moves.
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { ImageLedger } from '../../functions/lib/queue/image-ledger.ts';
import { ImageReader } from '../../functions/lib/queue/image-reader.ts';
import type { ImagePlan } from '../../functions/lib/queue/image-record.ts';
import { ImageRoom } from '../../functions/lib/queue/image-room.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { LeaseQueue } from '../../functions/lib/queue/lease-queue.ts';
import { Notices } from '../../functions/lib/queue/notices.ts';
import { QueueScripts } from '../../functions/lib/queue/scripts.ts';
import type { Claim } from '../../functions/lib/queue/tile-queue.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { keysLeft } from '../support/keys-left.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';

export const PREFIX = 'image';
/** Ids of three images. */
export const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(24));

/** The settings of every test, small enough to reach each limit in a few steps. */
export const POLICY = { leaseMs: 1000, maxAttempts: 3, retryBaseMs: 100, recordTtlS: 200_000 };
/** The size of every image's file, and of every result. */
export const UPLOAD_BYTES = 1000;
export const RESULT_BYTES = 2000;
/** Bytes all images together may hold. */
export const BUDGET_BYTES = 1_000_000;
/** Bytes that the images of one client may hold, in tests with clients. */
export const CLIENT_BYTES = 700_000;
/** The initial time of the clock, ms. */
export const START_MS = 1_000_000;

/** What split knows about an image of `tiles` tiles. */
export function planOf(tiles: number): Required<ImagePlan> {
  return {
    name: 'photo',
    width: tiles * 16,
    height: 16,
    tileSizePx: 16,
    recipe: '15',
    tiles,
    output: 'photo_blurred.png',
    owner: '',
    isStored: false,
    format: 'png',
    trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
}

/** A tile's pixels in these tests: text, so that a failure is readable. */
export function pixels(text: string): Uint8Array {
  return Buffer.from(text);
}

/** The source pixels of a tile: always the same, because the id stands for the image's bytes. */
export function sourceOf(id: string, tile: number): Uint8Array {
  return pixels(`source of ${id}:${tile}`);
}

export interface RigOptions {
  keyPrefix?: string;
  doneSink?: string | null;
}

/** A queue under test, and steps that many tests need. */
export class Rig {
  /** The time for the scripts, ms. */
  now = START_MS;
  readonly redis: Redis;
  readonly queue: LeaseQueue;
  readonly ledger: ImageLedger;
  readonly images: ImageReader;
  readonly room: ImageRoom;
  readonly notices: Notices;
  readonly scripts: QueueScripts;
  readonly #doneSink: string | null;
  readonly #keyPrefix: string;

  /** With a `doneSink`, notices are written when images end. */
  constructor(redis: Redis, { keyPrefix = PREFIX, doneSink = null }: RigOptions = {}) {
    const clock = () => this.now;
    this.redis = redis;
    this.queue = new LeaseQueue(redis, { keyPrefix, doneSink, ...POLICY }, clock);
    this.ledger = new ImageLedger(redis, { keyPrefix, doneSink, recordTtlS: POLICY.recordTtlS }, clock);
    this.images = new ImageReader(redis, keyPrefix);
    this.room = new ImageRoom(redis, keyPrefix, clock);
    this.notices = new Notices(redis, keyPrefix, clock);
    this.#doneSink = doneSink;
    this.scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  /** Starts an image of `tiles` tiles that may hold `bytes`, for a client if one is given. */
  begin(
    id: string,
    options: {
      tiles?: number;
      bytes?: number;
      client?: string;
      again?: boolean;
      ancillary?: Uint8Array;
    } = {},
  ) {
    const { tiles = 2, bytes = 100_000, client, again, ancillary } = options;
    const uploadBytes = UPLOAD_BYTES;
    const sender = client === undefined ? {} : { client: { name: client, budgetBytes: CLIENT_BYTES } };
    const admission = { bytes, budgetBytes: BUDGET_BYTES, ...sender };
    return this.ledger.begin(id, planOf(tiles), admission, { again, ancillary, uploadBytes });
  }

  /** Starts an image and puts all its tiles on the queue. */
  async split(id: string, tiles: number): Promise<void> {
    await this.begin(id, { tiles });
    for (let tile = 0; tile < tiles; tile++) await this.ledger.enqueue(id, tile, sourceOf(id, tile));
  }

  /** Claims a tile. Throws if there is none. */
  async claim(token?: string): Promise<Claim> {
    const claim = await this.queue.claim(token);
    if (!claim) throw new Error('No tile is ready');
    return claim;
  }

  /** Takes an image from its start to blurred, on a queue without other work. */
  async blur(id: string, tiles = 1): Promise<void> {
    await this.split(id, tiles);
    for (let tile = 0; tile < tiles; tile++) await this.queue.ack(await this.claim(), pixels(`core ${tile}`));
  }

  /** Fails the next tile until it is dead. Each attempt takes a second of the clock. */
  async killNextTile(reason = 'poison'): Promise<void> {
    for (let attempt = 1; attempt <= POLICY.maxAttempts; attempt++) {
      const answer = await this.queue.fail(await this.claim(), reason);
      const wanted = attempt < POLICY.maxAttempts ? 'delayed' : 'dead';
      if (answer !== wanted)
        throw new Error(`Failing attempt ${attempt} made the tile ${answer}, not ${wanted}`);
      this.now += 1000;
    }
  }

  /** Returns the image whose event must be sent, `given up` with the image that fails instead, or null. */
  async due(firstPauseMs: number, maxSendings = 100): Promise<string | null> {
    const due = await this.ledger.due(firstPauseMs, maxSendings);
    if (due && due.trace !== planOf(1).trace) throw new Error(`Its trace is ${due.trace}`);
    return due && (due.isGivenUp ? `given up ${due.imageId}` : due.imageId);
  }

  /** Returns the notice that must be sent, `given up` with the one that is closed instead, or null. */
  async nextNotice(holdMs: number, maxSendings = 100): Promise<string | null> {
    const due = await this.notices.next(holdMs, maxSendings);
    return due && (due.isGivenUp ? `given up ${due.notice}` : due.notice);
  }

  /** The ways to end an image, by a process that dies before anything that it holds is freed. */
  readonly dying = {
    finish: (id: string) => {
      const args = [POLICY.recordTtlS, POLICY.recordTtlS, RESULT_BYTES, this.#doneSink ? '1' : ''];
      return this.scripts.run('finish', id, this.now, ...args);
    },
    cancel: (id: string) => this.scripts.run('cancel', id, this.now, POLICY.recordTtlS, 'cancelled'),
    drop: (id: string) => this.scripts.run('cancel', id, this.now, POLICY.recordTtlS, 'failed'),
    forget: async (id: string) => void (await this.scripts.run('forget', id)),
  };

  /** The smallest step of sweeping. */
  async sweepOneTile(id = ''): Promise<void> {
    await this.scripts.run('sweep', id, this.now, 1);
  }

  /** Sweeps everything that is due, as idle workers do. */
  async sweep(): Promise<void> {
    const { sweeps } = queueKeys(this.#keyPrefix);
    const isDue = async () => (await this.redis.zcount(sweeps, '-inf', this.now)) > 0;
    let answer: unknown = 'more';
    while (answer === 'more' || (await isDue())) answer = await this.scripts.run('sweep', '', this.now);
  }

  /** Lets the time of an ended or failed image pass, which takes days. */
  async expire(id: string): Promise<void> {
    const keys = await this.redis.keys(`${this.#keyPrefix}:${id}:*`);
    for (const key of keys) if ((await this.redis.pttl(key)) !== -1) await this.redis.unlink(key);
    const { sweeps, senders, records } = queueKeys(this.#keyPrefix);
    const sender = await this.redis.hget(senders, id);
    for (const key of [records, `${records}:${sender}`]) await this.redis.zadd(key, 'XX', this.now, id);
    const kept = Number(await this.redis.zscore(sweeps, id));
    if (kept > 0) await this.redis.zadd(sweeps, this.now, id);
    if (kept > 0) await this.sweep();
  }

  /** Reads everything in Redis. */
  look(): Promise<Snapshot> {
    return takeSnapshot(this.redis, this.#keyPrefix);
  }

  /** Returns all keys except the running totals, which outlive every image. */
  keys(): Promise<string[]> {
    return keysLeft(this.redis, this.#keyPrefix);
  }

  /** Empties the server and resets the clock. */
  async reset(): Promise<void> {
    await this.redis.flushall();
    this.now = START_MS;
  }
}

/** A rig for the tests of one file, on its own server, empty before each test. */
export function useRig(options: RigOptions = {}): { readonly rig: Rig; readonly server: RedisServer } {
  const parts = {} as { rig: Rig; server: RedisServer };
  beforeAll(async () => {
    parts.server = await RedisServer.start();
    parts.rig = new Rig(parts.server.connect(), options);
  });
  beforeEach(() => parts.rig.reset());
  afterAll(async () => {
    parts.rig?.redis.disconnect();
    await parts.server?.stop();
  });
  return parts;
}
