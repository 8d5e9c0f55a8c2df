// Several commands as one step.
import type { Redis } from 'ioredis';

/** Runs `commands` as one transaction and returns their replies. Throws the first fault among them. */
export async function runTogether(redis: Redis, commands: (string | number)[][]): Promise<unknown[]> {
  const replies = await redis.multi(commands).exec();
  if (replies === null) throw new Error('A transaction was discarded');
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
