// Reads what the metrics show of the queue: what there is now, and counters that are kept when processes end. The scripts
// increment a counter in the same step that makes the change, so it counts each change exactly once.
import type { Redis } from 'ioredis';
import { scriptText } from './script-text.ts';
import type { Clock } from './tile-queue.ts';

/** What there is now, in the order of the script's output. The first three are tiles. */
const QUEUES = ['ready', 'leased', 'delayed', 'outbox', 'oldestEventMs', 'notices', 'dead'] as const;

/** Bytes that images may hold now, and the part of them that is results. */
const BYTES = ['admitted', 'results'] as const;

/** How often something has happened, or how many bytes it was. `lives`: images that were started. */
export const COUNTERS = [
  'lives',
  'imagesDone',
  'imagesFailed',
  'imagesCancelled',
  'imagesForgotten',
  'tilesDone',
  'tilesRetried',
  'tilesReclaimed',
  'tilesReleased',
  'tilesFenced',
  'tilesDead',
  'eventsGivenUp',
  'uploadBytes',
  'resultBytes',
] as const;

const names = [...QUEUES, ...BYTES, ...COUNTERS];

export type Measures = Record<(typeof names)[number], number>;

const script = scriptText('measures');

/** Returns everything that is measured, in one consistent picture. */
export async function readMeasures(redis: Redis, keyPrefix: string, clock?: Clock): Promise<Measures> {
  const now = clock ? clock() : '';
  const values = await redis.eval(script, 1, keyPrefix, now, ...BYTES, ...COUNTERS);
  const numbers = (values as unknown[]).map((value) => Number(value ?? 0));
  return Object.fromEntries(names.map((name, at) => [name, numbers[at]])) as Measures;
}
