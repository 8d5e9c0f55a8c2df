// The metrics that split reads from Redis with each scrape: what is in the queue, and the counters, which are kept when pods stop.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { readMeasures, type Measures } from '../queue/measures.ts';
import { budget, gauges, queueTiles, redisUp, totals } from './definitions.ts';

/** Prometheus waits for ten seconds by default. */
const PATIENCE_MS = 2000;

/**
 * Returns what is in Redis now. If it does not reply soon, returns only that and the budget: an old value would look like
 * a queue that does not move.
 */
export async function queueMetrics(
  redis: Redis,
  { keyPrefix, redisBudgetBytes }: Pick<Config, 'keyPrefix' | 'redisBudgetBytes'>,
): Promise<Registry> {
  const registry = new Registry();
  const registers = [registry];
  const measures = await soon(readMeasures(redis, keyPrefix));
  new Gauge({ ...redisUp, registers }).set(measures ? 1 : 0);
  new Gauge({ ...budget, registers }).set(redisBudgetBytes);
  if (!measures) return registry;
  const { states, labels: labelNames, ...definition } = queueTiles;
  const tiles = new Gauge({ ...definition, labelNames, registers });
  for (const state of states) tiles.set({ state }, measures[state]);
  for (const [what, { name, help, scale = 1 }] of Object.entries(gauges)) {
    new Gauge({ name, help, registers }).set(measures[what as keyof Measures] * scale);
  }
  for (const [what, { name, help }] of Object.entries(totals)) {
    new Counter({ name, help, registers }).inc(measures[what as keyof Measures]);
  }
  return registry;
}

/** Returns null if `reading` fails or takes too long. */
async function soon(reading: Promise<Measures>): Promise<Measures | null> {
  const limit = new AbortController();
  const tooLong = sleep(PATIENCE_MS, null, { signal: limit.signal }).catch(() => null);
  const measures = await Promise.race([reading.catch(() => null), tooLong]);
  limit.abort();
  return measures;
}
