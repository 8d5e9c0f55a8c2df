// The pipeline of `npm start` for measurements: sends an image over HTTP, and returns the time until its PNG
// is written.
import { mkdtemp, rm, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputName } from '../../functions/lib/store/output-names.ts';
import { readCounts } from '../../functions/lib/queue/counts.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { SplitClient } from '../../local/split-client.ts';
import { cpuMs } from './processes.ts';

const LIMIT_MS = 300_000;
const LOOK_EVERY_MS = 50;

export class BenchPipeline {
  readonly pipeline: Pipeline;
  readonly #folder: string;
  readonly #client: SplitClient;
  #sent = 0;

  private constructor(pipeline: Pipeline, folder: string) {
    this.pipeline = pipeline;
    this.#folder = folder;
    this.#client = new SplitClient(pipeline.splitUrl);
  }

  /** Starts a pipeline that keeps up to `workers` workers running while it is measured. */
  static async start(workers: number, env: Record<string, string> = {}): Promise<BenchPipeline> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
    const pipeline = await Pipeline.start({
      env: {
        STORE: 'file',
        OUTPUT_PATH: folder,
        LOG_LEVEL: 'error',
        MAX_PIXELS: '200000000',
        MAX_BODY_BYTES: String(1024 ** 3),
        REDIS_BUDGET_BYTES: String(8 * 1024 ** 3),
        ...env,
      },
      maxWorkers: workers,
      cooldownMs: LIMIT_MS,
      onLog: (_name, text) => console.error(text),
    });
    return new BenchPipeline(pipeline, folder);
  }

  /** Uploads an image with a new name. Returns the milliseconds from the request until the PNG is in place. */
  async blur(png: Uint8Array): Promise<number> {
    const startedAt = performance.now();
    const name = `bench-${this.#sent++}.png`;
    const written = this.#written(outputName(name));
    await this.#client.upload(name, png);
    return (await written) - startedAt;
  }

  /** Uploads an image, and waits until its status is `done`: for results that are not in the folder. */
  async blurInStore(png: Uint8Array): Promise<void> {
    const { id } = await this.#client.upload(`bench-${this.#sent++}.png`, png);
    const signal = AbortSignal.timeout(LIMIT_MS);
    while ((await this.#client.status(id, signal)).status !== 'done')
      await sleep(LOOK_EVERY_MS, undefined, { signal });
  }

  /** Returns when `file` was put in place. It is watched, because polling would take time from the measurement. */
  async #written(file: string): Promise<number> {
    const signal = AbortSignal.timeout(LIMIT_MS);
    for await (const { filename } of watch(this.#folder, { signal })) {
      if (filename === file) return performance.now();
    }
    throw new Error('The output folder is gone');
  }

  /** Puts an image's tiles on the queue and does not wait for them. */
  async split(png: Uint8Array): Promise<number> {
    return (await this.#client.upload(`bench-${this.#sent++}.png`, png)).tiles;
  }

  /** Returns the number of ready jobs. */
  async queued(): Promise<number> {
    return (await readCounts(this.pipeline.redis, this.pipeline.keyPrefix)).queue;
  }

  /** All processes of the pipeline. */
  get pids(): number[] {
    const { split, assemble, scaler, redisServer } = this.pipeline;
    const redisPid = redisServer.pid;
    return [
      split.pid,
      assemble.pid,
      ...scaler.workers.map(({ pid }) => pid),
      ...(redisPid === undefined ? [] : [redisPid]),
    ];
  }

  /** Returns the CPU time of all processes so far, in ms. */
  cpuMs(): number {
    return this.pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
  }

  async stop(): Promise<void> {
    await this.pipeline.stop();
    await rm(this.#folder, { recursive: true });
  }
}
