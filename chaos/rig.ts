// The pipeline with a proxy in front of every function's Redis, and a gate in front of assemble, so that a
// test can hold any step and kill any process there. Unlike local/pipeline.ts nothing scales: the test starts
// each worker.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Bitmap } from '../functions/lib/image/pixels.ts';
import { readCounts } from '../functions/lib/queue/counts.ts';
import { ImageLedger } from '../functions/lib/queue/image-ledger.ts';
import { FunctionProcess, type FunctionName } from '../local/function-process.ts';
import { RedisServer, type RedisServerOptions } from '../local/redis-server.ts';
import type { ImageStatus } from '../local/split-client.ts';
import { EventGate } from './event-gate.ts';
import { picture, toPng, type Kind } from '../functions/testing/pictures.ts';
import { RedisProxy, type Passage, type Stop } from './redis-proxy.ts';
import { until } from '../functions/testing/until.ts';

/** A function's process and its proxy to Redis. */
export interface Member {
  process: FunctionProcess;
  proxy: RedisProxy;
}

/** An image that split has accepted. */
export interface SentImage {
  id: string;
  name: string;
  kernelSize: number;
  bitmap: Bitmap;
}

/** A picture to draw; by default one of {@link rigTiles} tiles with soft alpha. */
export interface Drawing {
  kind?: Kind;
  width?: number;
  height?: number;
  kernelSize?: number;
}

export interface RigStatus extends ImageStatus {
  attempts: number;
  reclaims: number;
  fenced: number;
  announced: number;
  dead: { tile: number; reason: string }[];
}

export const keyPrefix = 'image';
/** 12 tiles in 4 columns and 3 rows; the last column and row are smaller. */
export const rigTiles = 12;

const settings = {
  STORE: 'file',
  TILE_SIZE: '64',
  KERNEL_SIZE: '9',
  LEASE_MS: '400',
  MAX_ATTEMPTS: '20',
  RETRY_BASE_MS: '10',
  ANNOUNCE_RETRY_MS: '100',
  DRAIN_MS: '5000',
  LOG_LEVEL: 'info',
};

/** Settings for workers that never take over the tile of a slow worker, so that attempts can be counted exactly. */
export const patient = { LEASE_MS: '30000' };

/** Settings for workers that also send no event again while assemble is slow, so that events can be counted exactly. */
export const unhurried = { ...patient, ANNOUNCE_RETRY_MS: '30000' };

export class Rig {
  readonly redisServer: RedisServer;
  /** A connection that bypasses all proxies. */
  readonly redis: Redis;
  readonly inputPath: string;
  readonly outputPath: string;
  readonly keyPrefix = keyPrefix;
  /** Every line the functions logged. */
  readonly logged: string[] = [];
  readonly #env: Record<string, string>;
  readonly #folder: string;
  #members: Member[] = [];
  #gate: EventGate | null = null;
  #split: Member | null = null;
  #assemble: Member | null = null;

  private constructor(redisServer: RedisServer, folder: string, env: Record<string, string>) {
    this.redisServer = redisServer;
    this.redis = redisServer.connect();
    this.redis.on('error', () => {}); // Tests kill the server; commands wait until it is back.
    this.#folder = folder;
    this.outputPath = env.OUTPUT_PATH ?? join(folder, 'output');
    this.inputPath = join(folder, 'input');
    this.#env = { ...settings, OUTPUT_PATH: this.outputPath, INPUT_PATH: this.inputPath, ...env };
  }

  /** Starts Redis, split and assemble. `env`: settings that differ from the rig's. */
  static async start(env: Record<string, string> = {}, redis: RedisServerOptions = {}): Promise<Rig> {
    const redisServer = await RedisServer.start({ appendOnly: true, ...redis });
    const rig = new Rig(redisServer, await mkdtemp(join(tmpdir(), 'tessera-rig-')), env);
    try {
      rig.#gate = await EventGate.start(() => rig.assemble.process.ready());
      await Promise.all([rig.startSplit(), rig.startAssemble()]);
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  get split(): Member {
    return started(this.#split);
  }

  get assemble(): Member {
    return started(this.#assemble);
  }

  get gate(): EventGate {
    return started(this.#gate);
  }

  async startSplit(env: Record<string, string> = {}): Promise<void> {
    this.#split = await this.#startMember('split', env);
    await this.#split.process.healthy();
  }

  /** Runs `body` with a split of other settings, which is killed afterwards. The usual one waits meanwhile. */
  async withSplit(env: Record<string, string>, body: () => Promise<void>): Promise<void> {
    const usual = this.split;
    await this.startSplit(env);
    const other = this.split;
    try {
      await body();
    } finally {
      this.#split = usual;
      await this.remove([other]);
    }
  }

  async startAssemble(env: Record<string, string> = {}): Promise<void> {
    this.#assemble = await this.#startMember('assemble', env);
    await this.#assemble.process.healthy();
  }

  /** The settings of a worker without a proxy, for workers that a scaler starts. */
  workerEnv(env: Record<string, string> = {}): Record<string, string> {
    return { ...this.#env, K_SINK: this.gate.url, REDIS_URL: this.redisServer.url, ...env };
  }

  /** Starts a worker, which claims as soon as it is up. */
  async startWorker(env: Record<string, string> = {}): Promise<Member> {
    return this.#startMember('blur', { K_SINK: this.gate.url, ...env });
  }

  /** Starts a worker and resolves when it is held at the step. */
  async startWorkerUntil(
    stop: Stop,
    env: Record<string, string> = {},
  ): Promise<{ worker: Member; passage: Passage }> {
    const { worker, stopped } = await this.startWorkerWith(stop, env);
    return { worker, passage: await stopped };
  }

  /** Starts a worker that will be held at the step, if it reaches it. */
  async startWorkerWith(
    stop: Stop,
    env: Record<string, string> = {},
  ): Promise<{ worker: Member; stopped: Promise<Passage> }> {
    const proxy = await RedisProxy.start(this.redisServer.port);
    const stopped = proxy.hold(stop);
    const worker = await this.#startMember('blur', { K_SINK: this.gate.url, ...env }, proxy);
    return { worker, stopped };
  }

  /** Sends a drawn picture to split, and repeats it until split has its Redis. Throws if it is not accepted. */
  async send(name: string, drawing: Drawing = {}): Promise<SentImage> {
    const { response, bitmap } = await until('split to have its Redis', async () => {
      const sent = await this.post(name, drawing);
      return sent.response.status === 503 ? null : sent;
    });
    if (response.status !== 202)
      throw new Error(`split answered ${response.status}: ${await response.text()}`);
    const { id } = (await response.json()) as { id: string };
    return { id, name, kernelSize: drawing.kernelSize ?? Number(this.#env.KERNEL_SIZE), bitmap };
  }

  /** Sends a drawn picture to split and returns any answer. The same arguments send the same bytes. */
  async post(name: string, drawing: Drawing = {}): Promise<{ response: Response; bitmap: Bitmap }> {
    const { kind = 'soft-alpha', width = 200, height = 150, kernelSize } = drawing;
    const bitmap = picture(width, height, kind, name.length);
    const query = `name=${name}${kernelSize ? `&kernel=${kernelSize}` : ''}`;
    const response = await fetch(`${await this.split.process.ready()}/?${query}`, {
      method: 'POST',
      body: await toPng(bitmap),
      headers: { 'content-type': 'image/png' },
    });
    return { response, bitmap };
  }

  /** Stores a drawn picture among the inputs, and requests it from split. */
  async sendStored(path: string): Promise<SentImage> {
    const bitmap = picture(200, 150, 'soft-alpha', path.length);
    await mkdir(dirname(join(this.inputPath, path)), { recursive: true });
    await writeFile(join(this.inputPath, path), await toPng(bitmap));
    const response = await fetch(await this.split.process.ready(), {
      method: 'POST',
      body: JSON.stringify({ input: path }),
      headers: { 'content-type': 'application/json' },
    });
    const { images } = (await response.json()) as { images: { id: string }[] };
    return { id: images[0].id, name: path, kernelSize: Number(this.#env.KERNEL_SIZE), bitmap };
  }

  /** Requeues a dead letter. */
  async requeue(letter: string): Promise<void> {
    const ledger = new ImageLedger(this.redis, { keyPrefix, recordTtlS: 3600 });
    await ledger.requeue(letter);
  }

  /** Returns the status of an image, when split has Redis. */
  async status(id: string): Promise<RigStatus> {
    const url = `${await this.split.process.ready()}/images/${id}`;
    const response = await until('split to answer', async () => {
      const answer = await fetch(url);
      return answer.status === 503 ? null : answer;
    });
    if (!response.ok) throw new Error(`split answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as RigStatus;
  }

  async cancel(id: string): Promise<Response> {
    return fetch(`${await this.split.process.ready()}/images/${id}`, { method: 'DELETE' });
  }

  /** Returns the numbers of ready, leased and delayed jobs, claims and unsent events. */
  async pending(): Promise<Record<string, number>> {
    const { queue, leases, claims, delayed, outbox } = await readCounts(this.redis, keyPrefix);
    return { queue, leases, claims, delayed, outbox };
  }

  /** Returns to an empty state, faster than a new rig: workers are killed, except `kept`; split and assemble stay. */
  async reset(...kept: Member[]): Promise<void> {
    const staying = new Set([this.#split, this.#assemble, ...kept]);
    await this.remove(this.#members.filter((each) => !staying.has(each)));
    await this.redis.flushall();
    await rm(this.outputPath, { recursive: true, force: true });
    this.logged.length = 0;
    this.gate.reset();
    if (!this.split.process.isRunning) await this.startSplit();
    if (!this.assemble.process.isRunning) await this.startAssemble();
    for (const { process, proxy } of [this.split, this.assemble]) {
      proxy.release();
      await process.healthy();
    }
  }

  /** Kills all processes and leaves nothing behind. */
  async stop(): Promise<void> {
    await this.remove(this.#members);
    await this.#gate?.close();
    this.redis.disconnect();
    await this.redisServer.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Kills members and closes their proxies. */
  async remove(members: Member[]): Promise<void> {
    await Promise.all(members.map((member) => kill(member)));
    await Promise.all(members.map(({ proxy }) => proxy.close()));
    this.#members = this.#members.filter((each) => !members.includes(each));
  }

  async #startMember(
    name: FunctionName,
    env: Record<string, string> = {},
    given?: RedisProxy,
  ): Promise<Member> {
    const proxy = given ?? (await RedisProxy.start(this.redisServer.port));
    const process = new FunctionProcess(name, {
      env: { ...this.#env, ...env, REDIS_URL: proxy.url },
      onLog: (line) => this.logged.push(line),
    });
    const member = { process, proxy };
    this.#members.push(member);
    return member;
  }
}

/** Ends a member's process as a crash would. */
export async function kill({ process }: Member): Promise<void> {
  process.signal('SIGKILL');
  await process.exited;
}

function started<T>(part: T | null): T {
  if (part === null) throw new Error('The rig is not started');
  return part;
}
