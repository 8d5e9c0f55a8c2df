// How much work there is and how the images stand, for everything that watches: one script, one look.
import type { Redis } from 'ioredis';
import { scriptText } from './script-text.ts';

export interface QueueCounts {
  /** Jobs ready to be claimed. */
  queue: number;
  /** Jobs under a lease. */
  leases: number;
  /** Tokens of the claims that hold these leases. */
  claims: number;
  /** Jobs that wait for another attempt. */
  delayed: number;
  /** Images whose event assemble has not taken yet. */
  outbox: number;
  /** Jobs that were given up. */
  dead: number;
  /** Images by state. `underWay`: being split, blurred or assembled. */
  done: number;
  failed: number;
  cancelled: number;
  underWay: number;
}

/** What `EVAL` needs, with the key prefix as its one key and the number of images to look at as its one argument. */
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
  'underWay',
];

/** Counts the work, and the states of the newest `images` images (1000 at most; none unless asked for). */
export async function readCounts(redis: Redis, keyPrefix: string, images = 0): Promise<QueueCounts> {
  return countsOf((await redis.eval(countsScript, 1, keyPrefix, images)) as (string | number)[]);
}

/** Reads the script's answer. Throws at an answer of another kind, such as an error that redis-cli printed. */
export function countsOf(answer: (string | number)[]): QueueCounts {
  const pairs = new Map<unknown, number>();
  for (let at = 0; at + 1 < answer.length; at += 2) pairs.set(answer[at], Number(answer[at + 1]));
  const counts = Object.fromEntries(names.map((name) => [name, pairs.get(name)]));
  if (!Object.values(counts).every(Number.isInteger)) throw new Error(`Redis answered: ${answer.join(' ')}`);
  return counts as unknown as QueueCounts;
}

/** Everything that keeps workers busy: jobs ready, leased and delayed, and events not taken yet. What KEDA adds up. */
export function pendingWork({ queue, leases, delayed, outbox }: QueueCounts): number {
  return queue + leases + delayed + outbox;
}
