import type { Redis } from 'ioredis';
import { queueKeys } from '../../functions/lib/queue/keys.ts';

/** All keys of the queue but the running sums, which outlive every image. */
export async function keysLeft(redis: Redis, keyPrefix = 'image'): Promise<string[]> {
  const keys = await redis.keys(`${keyPrefix}:*`);
  return keys.filter((key) => key !== queueKeys(keyPrefix).totals).sort();
}
