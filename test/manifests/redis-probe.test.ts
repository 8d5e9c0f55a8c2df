// When the probes of Redis's pod consider it dead or not ready: their commands, run against a real Redis.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../../functions/testing/until.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { root } from './overlays.ts';
import { templateOf, type Manifest, type Probe } from './shapes.ts';

/** Much longer than a reply takes. */
const ANSWER_MS = 2000;

let server: RedisServer;
let redis: Redis;
let liveness: string[];
let readiness: string[];

beforeAll(async () => {
  server = await RedisServer.start({
    settings: { 'enable-debug-command': 'yes', 'loading-process-events-interval-bytes': '1024' },
  });
  redis = server.connect();
  const manifest = parse(await readFile(join(root, 'knative/redis.stateful-set.yaml'), 'utf8')) as Manifest;
  const container = templateOf(manifest)?.spec.containers[0];
  const commandOf = (probe?: Probe): string[] =>
    (probe?.exec as { command: string[] } | undefined)?.command ?? [];
  liveness = commandOf(container?.livenessProbe);
  readiness = commandOf(container?.readinessProbe);
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
});

/** Returns whether the probe succeeds in time, as for the kubelet. */
async function succeeds(probe: string[]): Promise<boolean> {
  const [file, ...args] = probe.map((each) =>
    each.replace(/redis-cli (?=ping)/, `redis-cli -p ${server.port} `),
  );
  const port = file === 'redis-cli' ? ['-p', String(server.port)] : [];
  return new Promise((resolve) => {
    execFile(file, [...port, ...args], { timeout: ANSWER_MS }, (error) => resolve(error === null));
  });
}

const isAlive = (): Promise<boolean> => succeeds(liveness);
const isReady = (): Promise<boolean> => succeeds(readiness);

test('Redis that answers is alive and ready', async () => {
  expect(await isAlive()).toBe(true);
  expect(await isReady()).toBe(true);
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

test('Redis that loads its data is alive, but not ready', async () => {
  const keys = Array.from({ length: 30_000 }, (_, at) => [`key-${at}`, 'x'.repeat(100)]);
  await redis.mset(...keys.flat());
  // A millisecond for each key: far longer than this test.
  await redis.config('SET', 'key-load-delay', '1000');
  const loader = server.connect();
  const reload = loader.call('DEBUG', 'RELOAD').catch(() => undefined);
  await until('loading', () =>
    redis.ping().then(
      () => false,
      () => true,
    ),
  );
  expect(await isReady()).toBe(false);
  expect(await isAlive()).toBe(true);
  loader.disconnect();
  await reload;
});
