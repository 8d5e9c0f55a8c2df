// What the probe that may restart Redis's pod takes for dead: its command, against a real Redis.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { root } from './overlays.ts';
import { templateOf, type Manifest } from './shapes.ts';

/** Much longer than an answer takes. */
const ANSWER_MS = 2000;

let server: RedisServer;
let redis: Redis;
let command: string[];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
  const manifest = parse(await readFile(join(root, 'knative/redis.stateful-set.yaml'), 'utf8')) as Manifest;
  const probe = templateOf(manifest)?.spec.containers[0].livenessProbe;
  command = (probe?.exec as { command: string[] } | undefined)?.command ?? [];
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
});

/** Whether the probe has an answer in time, as the kubelet judges it. */
async function isAlive(): Promise<boolean> {
  const [file, ...args] = command;
  return new Promise((resolve) => {
    execFile(file, ['-p', String(server.port), ...args], { timeout: ANSWER_MS }, (error) =>
      resolve(error === null),
    );
  });
}

test('Redis that answers is alive', async () => {
  expect(await isAlive()).toBe(true);
});

test('Redis that asks for a password is alive', async () => {
  await redis.config('SET', 'requirepass', 'secret');
  expect(await isAlive()).toBe(true);
  await redis.config('SET', 'requirepass', '');
});

test('Redis that is busy with a script is alive', async () => {
  await redis.config('SET', 'busy-reply-threshold', '50');
  const endless = server.connect();
  endless.eval('while true do end', 0).catch(() => endless.disconnect());
  await until('the script', () =>
    redis.ping().then(
      () => false,
      () => true,
    ),
  );
  expect(await isAlive()).toBe(true);
  await redis.script('KILL');
});

test('Redis that hangs is not', async () => {
  process.kill(server.pid ?? 0, 'SIGSTOP');
  expect(await isAlive()).toBe(false);
  process.kill(server.pid ?? 0, 'SIGCONT');
});
