// The queue that loses nothing. A claim is a lease; a tile that is not acked before its lease expires is
// claimed again. Each step is one script, see the .lua files in this folder.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { formatJob, parseJob, type Job } from '../job.ts';
import { asBuffer } from '../image/pixels.ts';
import { blockingTwin } from '../redis/connection.ts';
import { isOutOfMemory } from '../redis/faults.ts';
import { imageKeys, queueKeys } from './keys.ts';
import { QueueScripts, type ScriptArgument } from './scripts.ts';
import type { AckAnswer, Claim, Clock, TileQueue } from './tile-queue.ts';

export interface LeaseQueueOptions {
  keyPrefix: string;
  leaseMs: number;
  maxAttempts: number;
  /** Pause before a tile's second attempt. It doubles with each further attempt. */
  retryBaseMs: number;
  /** How long a failed image is kept. */
  recordTtlS: number;
  /** Where notices go (see notices.ts). Without it none are written. */
  doneSink?: string | null;
}

export class LeaseQueue implements TileQueue {
  readonly #redis: Redis;
  /** Opened with the first wait, so that a worker's first tile does not have to wait for it. */
  #blocking: Redis | null = null;
  readonly #scripts: QueueScripts;
  readonly #options: LeaseQueueOptions;
  readonly #clock: () => string;
  /** Distinguishes this queue's claims from all others. */
  readonly #worker = randomBytes(9).toString('base64url');
  #claims = 0;
  /** Tokens of claims that failed. */
  readonly #unused: string[] = [];

  constructor(redis: Redis, options: LeaseQueueOptions, clock?: Clock) {
    this.#redis = redis;
    this.#scripts = new QueueScripts(redis, options.keyPrefix);
    this.#options = options;
    this.#clock = () => (clock ? String(clock()) : '');
  }

  /**
   * `token` identifies this claim. When a reply is lost, ioredis sends the claim again with the same token
   * and gets the same tile. After a failed claim the next one uses its token again, because the failed one
   * may have got a tile.
   */
  async claim(token = this.#unused.pop() ?? this.#newToken()): Promise<Claim | null> {
    try {
      return await this.#claimAs(token);
    } catch (error) {
      this.#unused.push(token);
      throw error;
    }
  }

  async #claimAs(token: string): Promise<Claim | null> {
    const { leaseMs } = this.#options;
    const answer = await this.#scripts.run('claim', token, this.#clock(), leaseMs, ...this.#retryPolicy());
    if (answer === 'sweep') await this.#scripts.run('sweep', '', this.#clock());
    if (answer === null || answer === 'sweep') return null;
    const [message, attempt, width, height, tileSizePx, recipe, trace] = answer as string[];
    const job = parseJob(message);
    if (!job) throw new Error(`The queue returned ${JSON.stringify(message)}, which is no job`);
    const source = await this.#redis.getBuffer(this.#keys(job).src(job.tile));
    return {
      job,
      token,
      attempt: Number(attempt),
      source,
      width: Number(width),
      height: Number(height),
      tileSizePx: Number(tileSizePx),
      recipe,
      trace: trace ?? '',
    };
  }

  /** Waits for a job by moving the job at the end of the queue to the same end, which changes nothing. */
  async wait(timeoutMs: number): Promise<void> {
    const { queue } = queueKeys(this.#options.keyPrefix);
    this.#blocking ??= blockingTwin(this.#redis);
    await this.#blocking.blmove(queue, queue, 'RIGHT', 'RIGHT', timeoutMs / 1000);
  }

  async extend(claim: Claim): Promise<'extended' | 'stale'> {
    const answer = await this.#run('extend', claim, this.#clock(), this.#options.leaseMs);
    return answer as 'extended' | 'stale';
  }

  async ack(claim: Claim, core: Uint8Array): Promise<AckAnswer> {
    const args = [formatJob(claim.job), claim.token, this.#clock(), this.#options.recordTtlS];
    try {
      const staged = this.#keys(claim.job).staged(claim.token);
      return (await this.#scripts.runAfterSet(staged, core, 'ack', ...args)) as AckAnswer;
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      // A script may exceed the limit, and this one frees more than it takes.
      return (await this.#scripts.run('ack', ...args, asBuffer(core))) as AckAnswer;
    }
  }

  async fail(claim: Claim, reason: string): Promise<'delayed' | 'dead' | 'stale'> {
    const answer = await this.#run('fail', claim, this.#clock(), reason, ...this.#retryPolicy());
    return answer as 'delayed' | 'dead' | 'stale';
  }

  async release(claim: Claim): Promise<'released' | 'stale'> {
    return (await this.#run('release', claim)) as 'released' | 'stale';
  }

  /** A claim does not wait in this queue. */
  async stopClaiming(): Promise<void> {}

  async close(): Promise<void> {
    this.#blocking?.disconnect();
  }

  /** What decides about a tile whose attempt ended without a result. */
  #retryPolicy(): ScriptArgument[] {
    const { maxAttempts, retryBaseMs, recordTtlS, doneSink } = this.#options;
    return [maxAttempts, retryBaseMs, Math.random(), recordTtlS, doneSink ? '1' : ''];
  }

  #newToken(): string {
    return `${this.#worker}-${this.#claims++}`;
  }

  #run(name: 'extend' | 'fail' | 'release', claim: Claim, ...args: ScriptArgument[]) {
    return this.#scripts.run(name, formatJob(claim.job), claim.token, ...args);
  }

  #keys(job: Job) {
    return imageKeys(this.#options.keyPrefix, job.imageId);
  }
}
