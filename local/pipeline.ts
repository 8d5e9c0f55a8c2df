// The whole pipeline on one machine: a private Redis, split and assemble as processes, and blur scaled from
// zero. `npm start`, the chaos demonstration, the benches and the tests run it.
import type { Redis } from 'ioredis';
import { pendingWork, readCounts } from '../functions/lib/queue/counts.ts';
import { FunctionProcess, type FunctionName } from './function-process.ts';
import { orAborted } from './or-aborted.ts';
import { RedisServer, type RedisServerOptions } from './redis-server.ts';
import { Scaler, type ScalerState } from './scaler.ts';

export interface PipelineOptions {
  /** Settings of the functions, by environment variable. */
  env?: Record<string, string>;
  /** The token to call split with. */
  accessToken?: string | undefined;
  /** The tokens that split requires, as in AUTH_TOKEN; by default the access token, if there is one. */
  authToken?: string | undefined;
  /** Where split listens; by default the system chooses. */
  splitPort?: number;
  maxWorkers?: number;
  /** Jobs per worker before the next one is started. */
  jobsPerWorker?: number;
  cooldownMs?: number;
  pollMs?: number;
  redis?: RedisServerOptions;
  /** Aborts the start. */
  signal?: AbortSignal;
  onLog?: (name: FunctionName, line: string) => void;
  onPoll?: (state: ScalerState) => void;
}

export class Pipeline {
  readonly redisServer: RedisServer;
  /** A connection for reading the queues. */
  readonly redis: Redis;
  readonly split: FunctionProcess;
  readonly assemble: FunctionProcess;
  readonly scaler: Scaler;
  readonly splitUrl: string;
  readonly accessToken: string | undefined;
  readonly keyPrefix: string;
  /** Resolves with the reason if a part has ended unexpectedly and the pipeline cannot continue. */
  readonly failed: Promise<Error>;

  private constructor(parts: {
    redisServer: RedisServer;
    redis: Redis;
    split: FunctionProcess;
    assemble: FunctionProcess;
    scaler: Scaler;
    splitUrl: string;
    accessToken: string | undefined;
    keyPrefix: string;
    failed: Promise<Error>;
  }) {
    this.redisServer = parts.redisServer;
    this.redis = parts.redis;
    this.split = parts.split;
    this.assemble = parts.assemble;
    this.scaler = parts.scaler;
    this.splitUrl = parts.splitUrl;
    this.accessToken = parts.accessToken;
    this.keyPrefix = parts.keyPrefix;
    this.failed = parts.failed;
  }

  /**
   * Starts everything. Resolves when split and assemble can serve and the scaler polls. Throws an Error that says which part could
   * not start, and leaves nothing running.
   */
  static async start(options: PipelineOptions = {}): Promise<Pipeline> {
    const { onLog, accessToken, authToken = accessToken, splitPort = 0 } = options;
    const redisServer = await RedisServer.start(options.redis);
    const redis = redisServer.connect();
    redis.on('error', () => {}); // `failed` reports that Redis has ended.
    const started: FunctionProcess[] = [];
    try {
      const spawn = (name: FunctionName, env: Record<string, string>) =>
        new FunctionProcess(name, {
          env: { ...env, REDIS_URL: redisServer.url },
          ...(onLog && { onLog: (line: string) => onLog(name, line) }),
        });
      const env = options.env ?? {};
      const keyPrefix = env.KEY_PREFIX ?? 'image';
      const split = spawn('split', {
        ...env,
        ...(authToken !== undefined && { AUTH_TOKEN: authToken }),
        PORT: String(splitPort),
      });
      started.push(split);
      const assemble = spawn('assemble', env);
      started.push(assemble);
      const [splitUrl, sink] = await orAborted(
        Promise.all([split.healthy(), assemble.healthy()]),
        options.signal,
      );
      const failure = Promise.withResolvers<Error>();
      const scaler = new Scaler({
        redis,
        keyPrefix,
        target: options.jobsPerWorker ?? 4,
        max: options.maxWorkers ?? 4,
        cooldownMs: options.cooldownMs ?? 2000,
        pollMs: options.pollMs ?? 50,
        spawn: () => spawn('blur', { K_SINK: sink, ...env }),
        ...(options.onPoll && { onPoll: options.onPoll }),
        onFailure: failure.resolve,
      });
      for (const part of [split, assemble]) {
        void part.exited.then(() => failure.resolve(new Error(part.howItEnded)));
      }
      void redisServer.exited.then(() => failure.resolve(new Error('Redis ended')));
      scaler.start();
      const parts = { redisServer, redis, split, assemble, scaler, splitUrl, accessToken, keyPrefix };
      return new Pipeline({ ...parts, failed: failure.promise });
    } catch (error) {
      for (const child of started) child.signal('SIGKILL');
      await Promise.all(started.map(({ exited }) => exited));
      redis.disconnect();
      await redisServer.stop();
      throw error;
    }
  }

  /** Returns the number of ready, leased and delayed jobs and unsent events, which the scaler adds up. */
  async pending(): Promise<number> {
    return pendingWork(await readCounts(this.redis, this.keyPrefix));
  }

  /** The same number from the scaler's last poll, without waiting for Redis. */
  get pendingAtLastPoll(): number {
    const { queue = 0, leases = 0, delayed = 0, outbox = 0 } = this.scaler.state ?? {};
    return queue + leases + delayed + outbox;
  }

  /** Stops everything and leaves nothing running. */
  async stop(): Promise<void> {
    await this.scaler.stop();
    await Promise.all([this.split.stop(), this.assemble.stop()]);
    this.redis.disconnect();
    await this.redisServer.stop();
  }

  /** Kills everything at once, if nobody needs the data in Redis any more. */
  async kill(): Promise<void> {
    const parts = [this.split, this.assemble];
    for (const part of parts) part.signal('SIGKILL');
    await Promise.all([this.scaler.kill(), ...parts.map(({ exited }) => exited)]);
    this.redis.disconnect();
    await this.redisServer.kill();
    await this.redisServer.stop();
  }
}
