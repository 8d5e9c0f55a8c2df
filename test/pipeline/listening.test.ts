import { afterEach, expect, it } from 'vitest';
import { networkInterfaces } from 'node:os';
import { FunctionProcess, type FunctionName } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

const functions: FunctionName[] = ['split', 'blur', 'assemble'];
/** An address through which other machines reach this one, if there is one. */
const outer = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Starts a function and returns whether it listens on `address` too. */
async function listensOn(address: string, name: FunctionName, env: Record<string, string>): Promise<boolean> {
  const server = await RedisServer.start();
  cleanups.push(() => server.stop());
  const started = new FunctionProcess(name, { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent', ...env } });
  cleanups.push(() => started.stop());
  const { port } = new URL(await started.healthy());
  return fetch(`http://${address}:${port}/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );
}

it.skipIf(outer === undefined).each(functions)('%s can only be reached from this machine', async (name) => {
  expect(await listensOn(outer ?? '', name, {})).toBe(false);
});

it.skipIf(outer === undefined).each(functions)(
  '%s can be reached from elsewhere if HOST says so',
  async (name) => {
    expect(await listensOn(outer ?? '', name, { HOST: '0.0.0.0' })).toBe(true);
  },
);
