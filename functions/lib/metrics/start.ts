// Switches metrics on when a function starts.
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { FunctionName } from './definitions.ts';
import { measureWith } from './measure.ts';

export interface MetricsParts {
  of: FunctionName;
  config: Pick<Config, 'host' | 'metricsPort' | 'keyPrefix' | 'redisBudgetBytes'>;
  log: Log;
  /** Returns how many uploads or tiles are in flight here. */
  inFlight?: () => number;
  /** Whose queue is shown; without it, none. */
  redis?: Redis;
}

/** Serves metrics if METRICS_PORT is set. A fault is logged and changes nothing else. */
export async function startMetrics(parts: MetricsParts): Promise<void> {
  if (parts.config.metricsPort === 0) return;
  try {
    const { serveMetrics } = await import('./server.ts'); // Loaded only when it is needed.
    await serveMetrics(parts);
  } catch (error) {
    measureWith(null);
    parts.log.error('METRICS_PORT: metrics cannot be served', { error });
  }
}
