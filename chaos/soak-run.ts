// One soak: many images go through the pipeline while workers are killed all the time and other parts now and
// then.
import { setTimeout as sleep } from 'node:timers/promises';
import { findFaults } from './nothing-lost.ts';
import { Rig, type Member, type SentImage } from './rig.ts';
import { randomFrom } from '../functions/testing/random.ts';
import { drawStop } from './soak-fates.ts';
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

/** What was done to the pipeline, and how often. */
export interface SoakFaults {
  workersKilled: number;
  workersStopped: number;
  connectionsCut: number;
  redisKilled: number;
  scriptsFlushed: number;
  assembleKilled: number;
  splitKilled: number;
}

export interface SoakResult extends SoakFaults {
  images: number;
  tiles: number;
  tilesLost: number;
  imagesNotDone: number;
  /** Everything that the check for lost work found; only for the lease queue. */
  faults: string[];
  /** Claims beyond one per tile. */
  attemptsBeyond: number;
  reclaims: number;
  fenced: number;
  ms: number;
  /** How much more Redis memory is used at the end than after the first image, in bytes. */
  residueBytes: number;
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
  readonly #faults: SoakFaults = {
    workersKilled: 0,
    workersStopped: 0,
    connectionsCut: 0,
    redisKilled: 0,
    scriptsFlushed: 0,
    assembleKilled: 0,
    splitKilled: 0,
  };
  readonly #over = Promise.withResolvers<null>();
  #isOver = false;
  /** Faults other than killed workers happen one after another. */
  #accident: Promise<void> = Promise.resolve();

  private constructor(options: SoakOptions, rig: Rig) {
    this.#options = options;
    this.#rig = rig;
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
    await this.#accident;
    const ms = Math.round(performance.now() - startedAt);
    return {
      ...this.#faults,
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
        this.#haveAccident(this.#faults.workersKilled);
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

  /** After some workers have died, something else fails. */
  #haveAccident(death: number): void {
    const accidents = [
      { every: 100, at: 50, happen: () => this.#restartRedis() },
      { every: 50, at: 10, happen: () => this.#killSplit() },
      { every: 50, at: 25, happen: () => this.#killAssemble() },
      { every: 25, at: 5, happen: () => this.#cutEveryone() },
      { every: 25, at: 15, happen: () => this.#flushScripts() },
    ];
    for (const { every, at, happen } of accidents) {
      if (death % every === at) this.#accident = this.#accident.then(happen);
    }
  }

  async #restartRedis(): Promise<void> {
    await this.#rig.redisServer.kill();
    await this.#rig.redisServer.restart();
    this.#faults.redisKilled++;
  }

  async #killSplit(): Promise<void> {
    const { split } = this.#rig;
    await this.#rig.remove([split]);
    await this.#rig.startSplit();
    this.#faults.splitKilled++;
  }

  async #killAssemble(): Promise<void> {
    const { assemble } = this.#rig;
    await this.#rig.remove([assemble]);
    await this.#rig.startAssemble();
    this.#faults.assembleKilled++;
  }

  async #cutEveryone(): Promise<void> {
    await this.#rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    this.#faults.connectionsCut++;
  }

  async #flushScripts(): Promise<void> {
    await this.#rig.redis.script('FLUSH');
    this.#faults.scriptsFlushed++;
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

/** Returns whether a soak of the lease queue kept its promises, and stayed within `maxResidueBytes`. */
export function keepsPromises(result: SoakResult, maxResidueBytes: number): boolean {
  const { images, tilesLost, imagesNotDone, faults, residueBytes } = result;
  return (
    images > 0 &&
    tilesLost === 0 &&
    imagesNotDone === 0 &&
    faults.length === 0 &&
    residueBytes <= maxResidueBytes
  );
}
