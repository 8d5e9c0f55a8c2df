// The three functions as processes that show their metrics, on a Redis of their own.
import type { Redis } from 'ioredis';
import { until } from '../../functions/testing/until.ts';
import { freePort } from '../../local/free-port.ts';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { scrape, type Scrape } from './scrape.ts';

/** A function that runs, and where it shows its metrics. */
export interface Measured {
  process: FunctionProcess;
  url: string;
  /** Of its metrics. */
  port: number;
  scrape(): Promise<Scrape>;
}

export class MeasuredPipeline {
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly split: Measured;
  readonly assemble: Measured;
  readonly #workers: Measured[] = [];

  private constructor(server: RedisServer, split: Measured, assemble: Measured) {
    this.server = server;
    this.redis = server.connect();
    this.split = split;
    this.assemble = assemble;
  }

  static async start(): Promise<MeasuredPipeline> {
    const server = await RedisServer.start();
    const [split, assemble] = await Promise.all([start('split', server), start('assemble', server)]);
    return new MeasuredPipeline(server, split, assemble);
  }

  async startWorker(): Promise<Measured> {
    const worker = await start('blur', this.server, { K_SINK: this.assemble.url, LEASE_MS: '1000' });
    this.#workers.push(worker);
    return worker;
  }

  /** Sends an image. Returns its id. */
  async send(png: Uint8Array, name: string): Promise<string> {
    const body = Buffer.from(png);
    const response = await fetch(`${this.split.url}/?name=${name}`, { method: 'POST', body });
    if (response.status !== 202)
      throw new Error(`split answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  }

  /** Resolves when the image has this status. */
  async untilIs(id: string, wanted: string): Promise<void> {
    await until(`image ${id} is ${wanted}`, async () => (await this.status(id)).status === wanted);
  }

  /** Returns the status document of an image. */
  async status(id: string): Promise<{ status: string; reclaims: number; fenced: number }> {
    const response = await fetch(`${this.split.url}/images/${id}`);
    return (await response.json()) as { status: string; reclaims: number; fenced: number };
  }

  /** Returns what split shows of the queue. */
  totals(): Promise<Scrape> {
    return this.split.scrape();
  }

  async stop(): Promise<void> {
    await Promise.all([this.split, this.assemble, ...this.#workers].map((each) => each.process.stop()));
    this.redis.disconnect();
    await this.server.stop();
  }
}

async function start(
  name: FunctionName,
  server: RedisServer,
  more: Record<string, string> = {},
): Promise<Measured> {
  const port = await freePort();
  const env = {
    REDIS_URL: server.url,
    STORE: 'redis',
    LOG_LEVEL: 'warn',
    METRICS_PORT: String(port),
    ...more,
  };
  const process = new FunctionProcess(name, { env });
  const url = await process.healthy();
  await until(`${name} shows metrics`, () => scrape(port).catch(() => null));
  return { process, url, port, scrape: () => scrape(port) };
}
