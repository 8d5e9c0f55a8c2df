import type { Redis } from 'ioredis';
import { imageKeys, queueKeys } from '../../functions/lib/queue/keys.ts';
import { heartbeatKey } from '../../functions/lib/redis/heartbeat.ts';

/** Returns all keys except those that outlive every image: the running totals, the heartbeat and the register of workers. */
export async function keysLeft(redis: Redis, keyPrefix = 'image'): Promise<string[]> {
  const keys = await redis.keys(`${keyPrefix}:*`);
  const { totals, workers, workerStates } = queueKeys(keyPrefix);
  const lasting = new Set([totals, workers, workerStates, heartbeatKey(keyPrefix)]);
  return keys.filter((key) => !lasting.has(key)).sort();
}

/** Returns the keys that should be left if only records are left of these images; of one client if one is given. */
export function recordKeys(
  ids: string[],
  { client, keyPrefix = 'image' }: { client?: string; keyPrefix?: string } = {},
): string[] {
  const { admitted, images, records, senders, clients } = queueKeys(keyPrefix);
  const ofClient = client === undefined ? [] : [senders, clients, `${records}:${client}`];
  return [...ids.map((id) => imageKeys(keyPrefix, id).meta), admitted, images, records, ...ofClient].sort();
}
