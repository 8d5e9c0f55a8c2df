// Connections to Redis, and what their faults mean to a caller.
import { Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';

/**
 * How a connection meets a Redis that does not answer. `waits`: a command is held and sent again until Redis is back,
 * for workers, which have nothing else to do. `fails`: it fails soon, for functions with a caller at the other end.
 */
export type Patience = 'waits' | 'fails';

const COMMAND_TIMEOUT_MS = 15_000;

/** Connects to `url` in the background. Faults of the connection are logged once each time it is lost. */
export function connectRedis(url: string, patience: Patience, log: Log): Redis {
  const redis = new Redis(url, {
    retryStrategy: (attempt) => Math.min(50 * attempt, 1000),
    ...(patience === 'waits'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS }),
  });
  let isLost = false;
  redis.on('error', (error: Error) => {
    if (!isLost) log.warn('Redis cannot be reached', { error });
    isLost = true;
  });
  redis.on('ready', () => {
    if (isLost) log.info('Redis is back');
    isLost = false;
  });
  return redis;
}

/** A second connection to the same Redis, for commands that block it. Its faults are not logged: they are the first's. */
export function blockingTwin(redis: Redis): Redis {
  return redis.duplicate().on('error', () => {});
}

/** Resolves once the connection can take commands; rejects after `timeoutMs`. */
export async function whenReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`Redis was not ready in ${timeoutMs} ms`)), timeoutMs);
  redis.once('ready', resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    redis.off('ready', resolve);
  }
}

const UNREACHABLE = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|BUSY)\b/;
const CONNECTION_FAULT =
  /Connection is closed|Command aborted|Stream isn't writeable|Command timed out|Reached the max retries|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT/;

/** Whether Redis refused a command, or one inside a transaction, because it is at its memory limit. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { previousErrors = [] } = error as { previousErrors?: Error[] };
  return [error, ...previousErrors].some(({ message }) => message.startsWith('OOM'));
}

/** The {@link Problem} a fault of Redis means to a caller, or `error` itself when it is none of those. */
export function redisProblem(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  if (isOutOfMemory(error)) {
    return new Problem('over-budget', 'Redis is at its memory limit.', {
      cause: error,
      retryAfterSeconds: 10,
    });
  }
  if (UNREACHABLE.test(error.message) || CONNECTION_FAULT.test(`${error.name} ${error.message}`)) {
    return new Problem('queue-unavailable', 'Redis cannot be reached or does not take writes now.', {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  return error;
}
