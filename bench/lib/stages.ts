// Sends images through the pipeline one function at a time, to measure the CPU time of each function, and of
// Redis meanwhile. blur's events end here; the bench sends them to assemble afterwards.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { deliver } from '../../functions/blur/delivery.ts';
import { imageBlurredMessage } from '../../functions/lib/events.ts';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { SplitClient } from '../../local/split-client.ts';
import { cpuMs, mainThreadMs } from './processes.ts';

const LIMIT_MS = 300_000;
const IDLE_MS = 2000;
const IDLE_LOOKS = 4;

/** What determines how much work Redis has with an image, besides its tiles. */
export interface StagesOptions {
  appendOnly: boolean;
  store: 'file' | 'redis';
}

export interface StageCost {
  /** CPU time of the thread in which the function's own code runs. */
  threadMs: number;
  /** CPU time of its process's other threads: zlib and the garbage collector. */
  helpersMs: number;
  /** CPU time of the thread in which Redis runs commands. */
  redisMs: number;
  /** Time inside Redis's commands, by command. Scripts and transactions include the commands they run. */
  commandMs: Record<string, number>;
}

/** Milliseconds per second. */
export interface IdleCost {
  threadMs: number;
  redisMs: number;
}

/** `receive`: what split does with an image before it cuts it. It is a part of `split`. */
export type StageCosts = Record<FunctionName | 'receive', StageCost>;

export class Stages {
  readonly #server: RedisServer;
  readonly #redis: Redis;
  readonly #folder: string;
  readonly #events: Server;
  readonly #env: Record<string, string>;
  readonly #processes: Record<FunctionName, FunctionProcess>;
  #sent = 0;

  private constructor(server: RedisServer, folder: string, events: Server, store: string) {
    this.#server = server;
    this.#redis = server.connect();
    this.#folder = folder;
    this.#events = events;
    this.#env = {
      REDIS_URL: server.url,
      STORE: store,
      OUTPUT_PATH: folder,
      LOG_LEVEL: 'error',
      REDIS_BUDGET_BYTES: String(8 * 1024 ** 3),
      K_SINK: `http://127.0.0.1:${(events.address() as AddressInfo).port}`,
    };
    this.#processes = {
      split: this.#start('split'),
      blur: this.#start('blur', { CONSUMER: 'off' }),
      assemble: this.#start('assemble'),
    };
  }

  /** Starts the three functions, each waiting for a request. Redis gets a high priority if that is allowed. */
  static async start({ appendOnly, store }: StagesOptions): Promise<Stages> {
    const server = await RedisServer.start({ appendOnly });
    try {
      setPriority(server.pid ?? 0, constants.priority.PRIORITY_HIGHEST);
    } catch {
      // Without it the figures are higher on a busy machine.
    }
    const events = createServer((request, response) => void request.resume().on('end', () => response.end()));
    await once(events.listen(0, '127.0.0.1'), 'listening');
    const stages = new Stages(server, await mkdtemp(join(tmpdir(), 'tessera-stages-')), events, store);
    await Promise.all(Object.values(stages.#processes).map((each) => each.healthy()));
    return stages;
  }

  /** Sends `png` this many times. Returns the costs of all together. */
  async run(png: Uint8Array, times: number): Promise<StageCosts> {
    const { split, blur, assemble } = this.#processes;
    const [splitUrl, blurUrl, assembleUrl] = await Promise.all([
      split.ready(),
      blur.ready(),
      assemble.ready(),
    ]);
    const client = new SplitClient(splitUrl);
    const names = Array.from({ length: times }, () => `stages-${this.#sent++}.png`);
    const ids: string[] = [];
    const upload = async () => {
      for (const [nth, name] of names.entries()) ids[nth] = (await client.upload(name, png)).id;
    };
    const costs = {
      split: await this.#measure(split, upload),
      // The same again: split reads the image and finds that it is in progress.
      receive: await this.#measure(split, upload),
      blur: await this.#measure(blur, async () => {
        const answer = await fetch(blurUrl, { method: 'POST', signal: AbortSignal.timeout(LIMIT_MS) });
        if (!answer.ok) throw new Error(`blur answered ${answer.status}`);
      }),
      assemble: await this.#measure(assemble, async () => {
        const receiver = { url: assembleUrl, name: 'assemble' };
        for (const id of ids) {
          const fault = await deliver(imageBlurredMessage(id), receiver, AbortSignal.timeout(LIMIT_MS));
          if (fault !== null) throw new Error(fault);
        }
      }),
    };
    await this.#redis.flushall();
    return costs;
  }

  /** Returns the CPU time of one idle worker, its own and that of Redis, in ms per second. */
  async idleWorker(): Promise<IdleCost> {
    const without = await this.#idle(() => 0);
    const worker = this.#start('blur');
    await worker.healthy();
    const beside = await this.#idle(() => mainThreadMs(worker.pid));
    await worker.stop();
    return { threadMs: beside.threadMs, redisMs: Math.max(0, beside.redisMs - without.redisMs) };
  }

  /** Returns the smallest of several samples. `ownMs` returns the CPU time of the observed process. */
  async #idle(ownMs: () => number): Promise<IdleCost> {
    const least = { threadMs: Infinity, redisMs: Infinity };
    for (let look = 0; look < IDLE_LOOKS; look++) {
      const before = { own: ownMs(), redis: await this.#redisMs() };
      await sleep(IDLE_MS);
      const perSecond = 1000 / IDLE_MS;
      least.threadMs = Math.min(least.threadMs, (ownMs() - before.own) * perSecond);
      least.redisMs = Math.min(least.redisMs, ((await this.#redisMs()) - before.redis) * perSecond);
    }
    return least;
  }

  #start(name: FunctionName, settings: Record<string, string> = {}): FunctionProcess {
    return new FunctionProcess(name, {
      env: { ...this.#env, ...settings },
      onLog: (line) => console.error(line),
    });
  }

  async #measure({ pid }: FunctionProcess, work: () => Promise<void>): Promise<StageCost> {
    await this.#redis.config('RESETSTAT');
    const before = { all: cpuMs(pid), thread: mainThreadMs(pid), redis: await this.#redisMs() };
    await work();
    const redisMs = (await this.#redisMs()) - before.redis;
    const threadMs = mainThreadMs(pid) - before.thread;
    const helpersMs = cpuMs(pid) - before.all - threadMs;
    return { threadMs, helpersMs, redisMs, commandMs: await this.#commandMs() };
  }

  async #redisMs(): Promise<number> {
    const info = await this.#redis.info('cpu');
    const seconds = (kind: string) =>
      Number(new RegExp(`^used_cpu_${kind}_main_thread:([\\d.]+)`, 'm').exec(info)?.[1]);
    return 1000 * (seconds('user') + seconds('sys'));
  }

  async #commandMs(): Promise<Record<string, number>> {
    const info = await this.#redis.info('commandstats');
    const rows = info.matchAll(/^cmdstat_([^:]+):calls=\d+,usec=(\d+)/gm);
    return Object.fromEntries([...rows].map(([, command, us]) => [command, Number(us) / 1000]));
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#processes).map((each) => each.stop()));
    this.#events.close();
    this.#redis.disconnect();
    await this.#server.stop();
    await rm(this.#folder, { recursive: true });
  }
}
