// The routes that show the queue and its workers: what is waiting, which workers there are, and what was given up.
import type { Redis } from 'ioredis';
import type { Config } from '../lib/config.ts';
import { readCounts, readTotals } from '../lib/queue/counts.ts';
import type { DeadLetters } from '../lib/queue/dead-letters.ts';
import { Workers } from '../lib/queue/workers.ts';
import { sendJson } from '../lib/service/http.ts';
import { assertIsOn } from './switches.ts';
import { withoutQuery, type Exchange, type RouteTable } from './exchange.ts';
import { deadLetterView, queueView } from './status.ts';

/** How many of the newest images are checked for whether they have ended. */
const COUNTED_IMAGES = 1000;
const LISTED = 100;

export interface QueueRoutesParts {
  redis: Redis;
  config: Pick<Config, 'keyPrefix' | 'redisBudgetBytes' | 'imageList'>;
  deadLetters: DeadLetters;
}

export function queueRoutes({ redis, config, deadLetters }: QueueRoutesParts): RouteTable {
  const { keyPrefix, redisBudgetBytes: budgetBytes } = config;
  const workers = new Workers(redis, keyPrefix);

  async function queue({ res }: Exchange): Promise<void> {
    const [counts, totals, register] = await Promise.all([
      readCounts(redis, keyPrefix, COUNTED_IMAGES),
      readTotals(redis, keyPrefix),
      workers.list(),
    ]);
    sendJson(res, 200, queueView(counts, { ...totals, budgetBytes }, register));
  }

  async function dead({ res, caller }: Exchange): Promise<void> {
    assertIsOn(config.imageList, 'Listing images');
    const letters = await deadLetters.newest(LISTED, caller.owner);
    sendJson(res, 200, { deadLetters: letters.map(deadLetterView) });
  }

  return {
    '/queue': { GET: withoutQuery(queue) },
    '/dead-letters': { GET: withoutQuery(dead) },
  };
}
