import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { QueueScripts } from '../../functions/lib/queue/scripts.ts';
import { RedisServer } from '../../local/redis-server.ts';

const IMAGE = '0123456789abcdef01234567';
const SOURCE = Buffer.from('pixels');
const KEY = `image:${IMAGE}:src:0`;

let server: RedisServer;
let redis: Redis;
let scripts: QueueScripts;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  scripts = new QueueScripts(redis, 'image');
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

beforeEach(async () => {
  await redis.flushall();
  await redis.script('FLUSH');
  await enqueue(); // The server has the script now.
  await redis.config('RESETSTAT');
});

/** Enqueues a tile of an unknown image, so the script deletes its bytes. */
async function enqueue(): Promise<void> {
  expect(await scripts.runAfterSet(KEY, SOURCE, 'enqueue', IMAGE, 0, '')).toBe('over');
  expect(await redis.exists(KEY)).toBe(0);
}

/** Returns how often a command was called, and how often it failed. */
async function calls(command: 'eval' | 'evalsha'): Promise<{ calls: number; failed: number }> {
  const info = await redis.info('commandstats');
  const found = new RegExp(`^cmdstat_${command}:calls=(\\d+),.*failed_calls=(\\d+)`, 'm').exec(info);
  return { calls: Number(found?.[1] ?? 0), failed: Number(found?.[2] ?? 0) };
}

it('sends the digest of a script that the server has', async () => {
  await enqueue();
  await enqueue();
  expect(await calls('eval')).toEqual({ calls: 0, failed: 0 });
  expect(await calls('evalsha')).toEqual({ calls: 2, failed: 0 });
});

it('sends the text of a script that the server has forgotten, and its digest from then on', async () => {
  await redis.script('FLUSH');
  await Promise.all([enqueue(), enqueue()]);
  await enqueue();
  expect((await calls('evalsha')).failed).toBe(2);
  expect(await calls('eval')).toEqual({ calls: 2, failed: 0 });
  expect((await calls('evalsha')).calls).toBe(3);
});

it('sends the text to a server after a reconnect', async () => {
  const closed = once(redis, 'close');
  await server.kill();
  await closed;
  await server.restart();
  await enqueue();
  expect(await calls('eval')).toEqual({ calls: 1, failed: 0 });
  expect((await calls('evalsha')).failed).toBe(0);
});
