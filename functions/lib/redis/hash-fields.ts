// Reads a hash of any size in steps, so that Redis is never busy with it for long.
import type { Redis } from 'ioredis';

/** Returns all fields of the hash `key`, read a few hundred at a time. */
export async function hashFields(redis: Redis, key: string): Promise<[field: string, value: string][]> {
  const fields = new Map<string, string>();
  let cursor = '0';
  do {
    const [next, found] = await redis.hscan(key, cursor, 'COUNT', 256);
    for (let at = 0; at < found.length; at += 2) fields.set(found[at], found[at + 1]);
    cursor = next;
  } while (cursor !== '0');
  return [...fields];
}
