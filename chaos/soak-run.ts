// One soak: many images go through the pipeline while workers are killed all the time and other parts now and
// then.
import { setTimeout as sleep } from 'node:timers/promises';
import { Accidents } from './accidents.ts';
import { findFaults } from './nothing-lost.ts';
import { Rig, type Member, type SentImage } from './rig.ts';
import { randomFrom } from '../functions/testing/random.ts';
import { drawStop } from './soak-fates.ts';
import type { SoakResult } from './soak-result.ts';
import { until } from '../functions/testing/until.ts';

export interface SoakOptions {
  mode: 'naive' | 'lease';
  tiles: number;
  /** How many workers are killed while there is work. */
  kills: number;
  seed: number;
  deadlineMs: number;
  onProgress?: (text: string) => void;
}

/** 10 × 10 tiles of 64 px. */
const SIDE_PX = 640;
const TILES_AN_IMAGE = 100;
const WORKERS = 4;
/** Images in progress at once. */
const OPEN_IMAGES = 3;
const LEASE_MS = 1000;
/** In naive mode, work that does not change for this time is lost. */
const LOST_AFTER_MS = 4000;
const LOOK_EVERY_MS = 50;

export class Soak {
  readonly #options: SoakOptions;
  readonly #rig: Rig;
  readonly #random: () => number;
  readonly #images: SentImage[] = [];
  readonly #faults = { workersKilled: 0, workersStopped: 0 };
  readonly #accidents: Accidents;
  readonly #over = Promise.withResolvers<null>();
  #isOver = false;

  private constructor(options: SoakOptions, rig: Rig) {
    this.#options = options;
    this.#rig = rig;
    this.#accidents = new Accidents(rig);
    this.#random = randomFrom(options.seed);
  }

  /** Runs a soak on its own pipeline. Throws if it does not end in time. */
  static async run(options: SoakOptions): Promise<SoakResult> {
    const rig = await Rig.start({
      QUEUE_MODE: options.mode,
      LEASE_MS: String(LEASE_MS),
      RETRY_BASE_MS: '20',
      ANNOUNCE_RETRY_MS: '500',
      MAX_ATTEMPTS: '100',
      LOG_LEVEL: 'silent',
    });
    try {
      return await new Soak(options, rig).#run();
    } finally {
      await rig.stop();
    }
  }

  async #run(): Promise<SoakResult> {
    const startedAt = performance.now();
    const memoryBefore = await this.#warmUp();
    const slots = Array.from({ length: WORKERS }, () => this.#keepWorker());
    await this.#feed();
    await this.#untilSettled(startedAt + this.#options.deadlineMs);
    this.#isOver = true;
    this.#over.resolve(null);
    await Promise.all(slots);
    await this.#accidents.settled();
    const ms = Math.round(performance.now() - startedAt);
    return {
      ...this.#faults,
      ...this.#accidents.counts,
      ...(await this.#tally()),
      ms,
      residueBytes: (await this.#usedMemory()) - memoryBefore,
    };
  }

  /**
   * Blurs the first image without faults, because what Redis then holds for connections and compiled scripts
   * is not a leftover of the work. Returns its memory in use.
   */
  async #warmUp(): Promise<number> {
    const worker = await this.#rig.startWorker();
    await this.#send(0);
    await until('the first image', async () => (await this.#progress(this.#images[0].id)).isDone);
    await this.#rig.remove([worker]);
    return this.#usedMemory();
  }

  /** Sends the other images, a few at a time. A failed request is repeated, as any caller would do. */
  async #feed(): Promise<void> {
    const count = Math.ceil(this.#options.tiles / TILES_AN_IMAGE);
    for (let at = 1; at < count; at++) {
      await until('room for another image', () => this.#hasRoom(), this.#options.deadlineMs);
      await this.#send(at);
      this.#options.onProgress?.(
        `${this.#options.mode}: ${at + 1} of ${count} images sent, ${this.#faults.workersKilled} workers killed`,
      );
    }
  }

  async #send(at: number): Promise<void> {
    const drawing = {
      width: SIDE_PX,
      height: SIDE_PX,
      kind: at % 3 === 0 ? 'soft-alpha' : 'opaque',
    } as const;
    const image = await until(
      'split to take an image',
      () => this.#rig.send(`${'x'.repeat(at % 50)}-${at}.png`, drawing).catch(() => null),
      this.#options.deadlineMs,
    );
    this.#images.push(image);
  }

  async #hasRoom(): Promise<boolean> {
    const { queue } = await this.#rig.pending();
    return queue < (OPEN_IMAGES - 1) * TILES_AN_IMAGE;
  }

  /** Keeps one worker running until the soak is over, whatever happens to it. */
  async #keepWorker(): Promise<void> {
    const { mode, tiles, kills } = this.#options;
    while (!this.#isOver) {
      const isDoomed = this.#faults.workersKilled < kills;
      // Workers die a bit early, so that all kills happen before the work ends.
      const stop = isDoomed
        ? drawStop(mode, (0.8 * tiles) / kills, this.#random)
        : { step: 'never', moment: 'request' as const };
      const { worker, stopped } = await this.#rig.startWorkerWith(stop);
      const passage = await Promise.race([stopped, this.#over.promise]);
      if (passage && this.#faults.workersKilled % 20 === 19 && this.#random() < 0.5) {
        passage.pass();
        await this.#stopPastLease(worker);
      }
      await this.#rig.remove([worker]);
      if (passage) {
        this.#faults.workersKilled++;
        this.#accidents.afterDeath(this.#faults.workersKilled);
      }
    }
  }

  /** Lets a worker sleep longer than its lease, wake up and continue for a while. */
  async #stopPastLease({ process }: Member): Promise<void> {
    process.signal('SIGSTOP');
    await sleep(2 * LEASE_MS);
    process.signal('SIGCONT');
    this.#faults.workersStopped++;
    await sleep(LEASE_MS / 2);
  }

  /** Waits until every image is done, or in naive mode until nothing changes any more. */
  async #untilSettled(deadline: number): Promise<void> {
    let movedAt = performance.now();
    for (let before = ''; ; await sleep(LOOK_EVERY_MS)) {
      const states = await Promise.all(this.#images.map(({ id }) => this.#progress(id)));
      const isDone = states.every(({ isDone }) => isDone);
      const now = JSON.stringify([states, await this.#rig.pending()]);
      if (now !== before) movedAt = performance.now();
      before = now;
      if (isDone) return;
      if (this.#options.mode === 'naive' && performance.now() - movedAt > LOST_AFTER_MS) return;
      if (performance.now() > deadline) throw new Error('The soak is not over in time');
    }
  }

  async #progress(id: string): Promise<{ isDone: boolean; done: number }> {
    const isDone = (await this.#rig.redis.hget(`image:${id}:meta`, 'state')) === 'done';
    return { isDone, done: isDone ? TILES_AN_IMAGE : await this.#rig.redis.scard(`image:${id}:done`) };
  }

  async #tally() {
    const records = await Promise.all(
      this.#images.map(async ({ id }) => {
        const fields = await this.#rig.redis.hgetall(`image:${id}:meta`);
        return { fields, ...(await this.#progress(id)) };
      }),
    );
    const sum = (field: string) => records.reduce((all, { fields }) => all + Number(fields[field] ?? 0), 0);
    const tiles = records.length * TILES_AN_IMAGE;
    return {
      images: records.length,
      tiles,
      tilesLost: tiles - records.reduce((all, { done }) => all + done, 0),
      imagesNotDone: records.filter(({ isDone }) => !isDone).length,
      faults: this.#options.mode === 'lease' ? await findFaults(this.#rig, this.#images) : [],
      attemptsBeyond: Math.max(0, sum('attempts') - tiles),
      reclaims: sum('reclaims'),
      fenced: sum('fenced'),
    };
  }

  async #usedMemory(): Promise<number> {
    await this.#rig.redis.call('MEMORY', 'PURGE');
    return Number(/used_memory:(\d+)/.exec(await this.#rig.redis.info('memory'))?.[1]);
  }
}
