// Counts the work and the images, for everything that watches the queue. One script returns a consistent
// picture.
import type { Redis } from 'ioredis';
import { queueKeys } from './keys.ts';
import { scriptText } from './script-text.ts';

export interface QueueCounts {
  /** Jobs ready to be claimed. */
  queue: number;
  /** Jobs under a lease. */
  leases: number;
  /** Tokens of the claims that hold these leases. */
  claims: number;
  /** Jobs that wait before another attempt. */
  delayed: number;
  /** Events that have not been accepted yet: that an image is blurred, done or has failed. */
  outbox: number;
  /** Dead letters. */
  dead: number;
  /** Images by state. `inProgress`: they are being split, blurred or assembled. */
  done: number;
  failed: number;
  cancelled: number;
  inProgress: number;
}

/** The script for `EVAL`. Its one key is the key prefix; its one argument is the number of images to count. */
export const countsScript = scriptText('counts');

const names: (keyof QueueCounts)[] = [
  'queue',
  'leases',
  'claims',
  'delayed',
  'outbox',
  'dead',
  'done',
  'failed',
  'cancelled',
  'inProgress',
];

/** Returns the counts of the work, and of the newest `images` images by state (at most 1000, none by default). */
export async function readCounts(redis: Redis, keyPrefix: string, images = 0): Promise<QueueCounts> {
  return countsOf((await redis.eval(countsScript, 1, keyPrefix, images)) as (string | number)[]);
}

/** Returns the bytes of Redis memory that all images together may hold, and how often an image has been started so far. */
export async function readTotals(
  redis: Redis,
  keyPrefix: string,
): Promise<{ admittedBytes: number; begun: number }> {
  const [admitted, lives] = await redis.hmget(queueKeys(keyPrefix).totals, 'admitted', 'lives');
  return { admittedBytes: Number(admitted ?? 0), begun: Number(lives ?? 0) };
}

/** Parses the script's reply. Throws for any other reply, such as an error printed by redis-cli. */
export function countsOf(answer: (string | number)[]): QueueCounts {
  const pairs = new Map<unknown, number>();
  for (let at = 0; at + 1 < answer.length; at += 2) pairs.set(answer[at], Number(answer[at + 1]));
  const counts = Object.fromEntries(names.map((name) => [name, pairs.get(name)]));
  if (!Object.values(counts).every(Number.isInteger)) throw new Error(`Redis answered: ${answer.join(' ')}`);
  return counts as unknown as QueueCounts;
}

/** Returns all work that needs workers: ready, leased and delayed jobs, and unsent events. KEDA adds up the same. */
export function pendingWork({ queue, leases, delayed, outbox }: QueueCounts): number {
  return queue + leases + delayed + outbox;
}
