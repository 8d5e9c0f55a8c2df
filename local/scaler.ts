// The replacement for KEDA on one machine: reads the queues at every poll, and starts or stops blur
// processes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { pendingWork, readCounts } from '../functions/lib/queue/counts.ts';
import type { FunctionProcess } from './function-process.ts';
import { desiredReplicas, ScaleDownWindow, type ScalingRules } from './scaling.ts';

export interface ScalerOptions extends ScalingRules {
  redis: Redis;
  keyPrefix: string;
  pollMs: number;
  /** Starts one worker. */
  spawn(): FunctionProcess;
  /** Called after every poll. */
  onPoll?: (state: ScalerState) => void;
  /** Called if workers end repeatedly before they are ready, because the next one would end too. */
  onFailure?: (error: Error) => void;
}

/** How many workers may end at their start in a row. */
const FAILED_STARTS = 3;

/** The state of the scaler. */
export interface ScalerState {
  queue: number;
  leases: number;
  delayed: number;
  outbox: number;
  desired: number;
  running: number;
}

/** HASH in the pipeline's own Redis: how many processes are wanted and ready. */
const LOCAL_REPLICAS = 'tessera:local';

export class Scaler {
  readonly #options: ScalerOptions;
  readonly #stopping = new AbortController();
  #workers: FunctionProcess[] = [];
  /** Includes workers that were asked to stop, until they have ended. */
  readonly #started = new Set<FunctionProcess>();
  #leaving: Promise<void>[] = [];
  readonly #window: ScaleDownWindow;
  #published = '';
  #failedStarts = 0;
  #state: ScalerState | null = null;
  #activeAt = Date.now();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ScalerOptions) {
    this.#options = options;
    this.#window = new ScaleDownWindow(options.cooldownMs);
  }

  /** The running workers, without those that were asked to stop. */
  get workers(): readonly FunctionProcess[] {
    return this.#workers.filter((worker) => worker.isRunning);
  }

  /** The result of the last poll; null before the first. */
  get state(): ScalerState | null {
    return this.#state;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Stops polling and asks every worker to stop. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.all([...this.workers.map((worker) => worker.stop()), ...this.#leaving]);
  }

  /** Stops polling and kills every worker at once. It does not wait for Redis. */
  async kill(): Promise<void> {
    this.#stopping.abort();
    for (const worker of this.#started) worker.signal('SIGKILL');
    await Promise.all([...this.#started].map(({ exited }) => exited));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#poll();
      } catch {
        // Redis is down. Like KEDA, keep the workers and try again.
      }
      await sleep(this.#options.pollMs, undefined, { signal }).catch(() => {}); // Stopping ends the pause early.
    }
  }

  async #poll(): Promise<void> {
    const { redis, keyPrefix, onPoll } = this.#options;
    const counts = await readCounts(redis, keyPrefix);
    if (this.#stopping.signal.aborted) return;
    const total = pendingWork(counts);
    if (total > 0) this.#activeAt = Date.now();
    this.#workers = [...this.workers];
    const wanted = desiredReplicas(this.#workers.length, total, Date.now() - this.#activeAt, this.#options);
    const desired = this.#window.mostWanted(Date.now(), wanted);
    this.#scale(desired);
    await this.#publish(desired);
    const { queue, leases, delayed, outbox } = counts;
    this.#state = { queue, leases, delayed, outbox, desired, running: this.#workers.length };
    onPoll?.(this.#state);
  }

  /** Writes the number of processes to Redis, for scripts/watch.sh. */
  async #publish(blurDesired: number): Promise<void> {
    const blurReady = this.#workers.filter((worker) => worker.isListening).length;
    const replicas = { blurDesired, blurReady, splitReady: 1, assembleReady: 1 };
    const text = JSON.stringify(replicas);
    if (text === this.#published) return;
    await this.#options.redis.hset(LOCAL_REPLICAS, replicas);
    this.#published = text;
  }

  #scale(desired: number): void {
    while (this.#workers.length < desired) this.#workers.push(this.#spawn());
    for (const worker of this.#workers.splice(desired)) {
      const left = worker.stop().then(() => {
        this.#leaving = this.#leaving.filter((each) => each !== left);
      });
      this.#leaving.push(left);
    }
  }

  #spawn(): FunctionProcess {
    const worker = this.#options.spawn();
    this.#started.add(worker);
    void worker.exited.then(() => {
      this.#started.delete(worker);
      this.#failedStarts = worker.isListening ? 0 : this.#failedStarts + 1;
      if (this.#failedStarts >= FAILED_STARTS) this.#options.onFailure?.(new Error(worker.howItEnded));
    });
    return worker;
  }
}
