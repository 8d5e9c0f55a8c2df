// The whole pipeline on one machine: a private Redis, split and assemble as processes, and blur scaled from zero. What
// `npm start`, the chaos demonstration, the benches and the tests run.
import type { Redis } from 'ioredis';
import { pendingWork, readCounts } from '../functions/lib/queue/counts.ts';
import { FunctionProcess, type FunctionName } from './function-process.ts';
import { RedisServer, type RedisServerOptions } from './redis-server.ts';
import { Scaler, type ScalerState } from './scaler.ts';

export interface PipelineOptions {
  /** Settings of the functions, by environment variable. */
  env?: Record<string, string>;
  /** A token that split is to ask its callers for. */
  accessToken?: string | undefined;
  maxWorkers?: number;
  /** Jobs a worker is meant to have before the next one is started. */
  jobsPerWorker?: number;
  cooldownMs?: number;
  pollMs?: number;
  redis?: RedisServerOptions;
  onLog?: (name: FunctionName, line: string) => void;
  onPoll?: (state: ScalerState) => void;
}

export class Pipeline {
  readonly redisServer: RedisServer;
  /** A connection for looking at the queues. */
  readonly redis: Redis;
  readonly split: FunctionProcess;
  readonly assemble: FunctionProcess;
  readonly scaler: Scaler;
  readonly splitUrl: string;
  readonly accessToken: string | undefined;
  readonly keyPrefix: string;

  private constructor(parts: {
    redisServer: RedisServer;
    redis: Redis;
    split: FunctionProcess;
    assemble: FunctionProcess;
    scaler: Scaler;
    splitUrl: string;
    accessToken: string | undefined;
    keyPrefix: string;
  }) {
    this.redisServer = parts.redisServer;
    this.redis = parts.redis;
    this.split = parts.split;
    this.assemble = parts.assemble;
    this.scaler = parts.scaler;
    this.splitUrl = parts.splitUrl;
    this.accessToken = parts.accessToken;
    this.keyPrefix = parts.keyPrefix;
  }

  /** Starts everything; resolves when split and assemble can serve and the scaler polls. */
  static async start(options: PipelineOptions = {}): Promise<Pipeline> {
    const redisServer = await RedisServer.start(options.redis);
    const redis = redisServer.connect();
    const started: FunctionProcess[] = [];
    try {
      const { onLog, accessToken } = options;
      const spawn = (name: FunctionName, env: Record<string, string>) => {
        const child = new FunctionProcess(name, {
          env: { ...env, REDIS_URL: redisServer.url },
          ...(onLog && { onLog: (line: string) => onLog(name, line) }),
        });
        started.push(child);
        return child;
      };
      const env = options.env ?? {};
      const keyPrefix = env.KEY_PREFIX ?? 'image';
      const split = spawn('split', accessToken === undefined ? env : { ...env, AUTH_TOKEN: accessToken });
      const assemble = spawn('assemble', env);
      const [splitUrl, sink] = await Promise.all([split.healthy(), assemble.healthy()]);
      const scaler = new Scaler({
        redis,
        keyPrefix,
        target: options.jobsPerWorker ?? 4,
        max: options.maxWorkers ?? 4,
        cooldownMs: options.cooldownMs ?? 2000,
        pollMs: options.pollMs ?? 50,
        spawn: () => spawn('blur', { K_SINK: sink, ...env }),
        ...(options.onPoll && { onPoll: options.onPoll }),
      });
      scaler.start();
      return new Pipeline({ redisServer, redis, split, assemble, scaler, splitUrl, accessToken, keyPrefix });
    } catch (error) {
      await Promise.all(started.map((child) => child.stop()));
      redis.disconnect();
      await redisServer.stop();
      throw error;
    }
  }

  /** Jobs ready, leased and delayed, and events unsent: what the scaler adds up. */
  async pending(): Promise<number> {
    return pendingWork(await readCounts(this.redis, this.keyPrefix));
  }

  /** Stops everything and leaves nothing running. */
  async stop(): Promise<void> {
    await this.scaler.stop();
    await Promise.all([this.split.stop(), this.assemble.stop()]);
    this.redis.disconnect();
    await this.redisServer.stop();
  }
}
