// The baseline: one BRPOP, no lease, no retry. A worker takes a tile out of Redis, so when the worker dies,
// its tiles are lost and nobody notices. It delivers at most once.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { formatJob, parseEntry } from '../job.ts';
import { blockingTwin } from '../redis/connection.ts';
import { imageKeys, queueKeys } from './keys.ts';
import { QueueScripts } from './scripts.ts';
import type { AckAnswer, Claim, TileQueue } from './tile-queue.ts';

const BLOCK_S = 1;
/** Pause before a BRPOP that has not ended is told to end again. */
const UNBLOCK_EVERY_MS = 10;

export class NaiveQueue implements TileQueue {
  readonly #redis: Redis;
  readonly #blocking: Redis;
  readonly #scripts: QueueScripts;
  readonly #keyPrefix: string;
  #lastPop: Promise<unknown> = Promise.resolve();
  #isPopping = false;
  #isStopped = false;
  /** Redis's id of the blocking connection. */
  #blockingId: number | null = null;

  constructor(redis: Redis, keyPrefix: string) {
    this.#redis = redis;
    this.#blocking = blockingTwin(redis);
    this.#scripts = new QueueScripts(redis, keyPrefix);
    this.#keyPrefix = keyPrefix;
  }

  async claim(): Promise<Claim | null> {
    const popped = await this.#pop();
    if (!popped && !this.#isStopped) await this.#scripts.run('sweep', '', '');
    const entry = popped && parseEntry(popped[1]);
    if (!entry) return null;
    const { job } = entry;
    const keys = imageKeys(this.#keyPrefix, job.imageId);
    const [life, recipe, kernelSize, trace, ...grid] = await this.#redis.hmget(
      keys.meta,
      'life',
      'recipe',
      'kernelSize', // The recipe of an image that release 0.2 started.
      'trace',
      'width',
      'height',
      'tileSizePx',
      'tileSidePx', // Used instead if the result is not a PNG: see image-ledger.ts.
    );
    if (life !== entry.life) return null; // Its image has ended.
    const [width, height, tileSizePx, tileSidePx] = grid.map(Number);
    const source = await this.#redis.getBuffer(keys.src(job.tile));
    return {
      job,
      token: '',
      attempt: 1,
      source,
      width,
      height,
      tileSizePx: tileSizePx || tileSidePx,
      recipe: recipe ?? kernelSize ?? '',
      trace: trace ?? '',
    };
  }

  /** Ends a waiting BRPOP without losing a tile: either Redis has popped one already, or it pops none. */
  async stopClaiming(): Promise<void> {
    this.#isStopped = true;
    while (this.#isPopping) {
      // Without permission for this command, the BRPOP ends by itself within a second.
      if (this.#blockingId !== null) await this.#redis.client('UNBLOCK', this.#blockingId).catch(() => {});
      await sleep(UNBLOCK_EVERY_MS);
    }
  }

  /** Nothing to do: {@link claim} waits. */
  async wait(): Promise<void> {}

  /** There is no lease to extend. */
  async extend(): Promise<'extended'> {
    return 'extended';
  }

  async ack(claim: Claim, core: Uint8Array): Promise<AckAnswer> {
    const { job } = claim;
    const staged = imageKeys(this.#keyPrefix, job.imageId).staged(`naive:${job.tile}`);
    return (await this.#scripts.runAfterSet(staged, core, 'naive-ack', formatJob(job), '')) as AckAnswer;
  }

  /** There is no retry: the tile is lost. */
  async fail(): Promise<'dead'> {
    return 'dead';
  }

  /** There is nothing to give back: the tile is lost. */
  async release(): Promise<'stale'> {
    return 'stale';
  }

  async close(): Promise<void> {
    this.#blocking.disconnect();
  }

  /** One at a time: a second BRPOP would be served after the first was told to end. */
  #pop(): Promise<[string, string] | null> {
    const pop = this.#lastPop.then(() => (this.#isStopped ? null : this.#popNow()));
    this.#lastPop = pop.catch(() => {}); // The caller gets the error.
    return pop;
  }

  async #popNow(): Promise<[string, string] | null> {
    this.#isPopping = true;
    try {
      // Asked each time, because a new connection has a new id.
      this.#blocking.client('ID').then(
        (id) => (this.#blockingId = id),
        () => {},
      );
      return await this.#blocking.brpop(queueKeys(this.#keyPrefix).queue, BLOCK_S);
    } finally {
      this.#isPopping = false;
    }
  }
}
