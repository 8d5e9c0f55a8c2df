// How far Redis is from its memory limit.
import type { Redis } from 'ioredis';

/** Returns how many more bytes Redis may hold. Negative beyond its limit, infinite without one. */
export async function freeBytesBelowLimit(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  const bytes = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const limit = bytes('maxmemory') || Infinity;
  return limit - (bytes('used_memory') - bytes('mem_not_counted_for_evict'));
}
