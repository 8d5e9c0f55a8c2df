import type { Redis } from 'ioredis';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { heartbeatKey } from '../../functions/lib/redis/heartbeat.ts';

/** All keys but the running sums, which outlive every image, and the functions' heartbeat. */
export async function keysLeft(redis: Redis, keyPrefix = 'image'): Promise<string[]> {
  const keys = await redis.keys(`${keyPrefix}:*`);
  const lasting = new Set([queueKeys(keyPrefix).totals, heartbeatKey(keyPrefix)]);
  return keys.filter((key) => !lasting.has(key)).sort();
}
