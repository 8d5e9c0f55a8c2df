import { afterEach, describe, expect, it } from 'vitest';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { freePort } from '../../local/free-port.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startRedis(): Promise<RedisServer> {
  const server = await RedisServer.start();
  cleanups.push(() => server.stop());
  return server;
}

async function outputFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-stopping-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

describe('a function asked to stop', () => {
  it('finishes the request in progress, accepts no other, and exits with 0', async () => {
    const server = await startRedis();
    const split = new FunctionProcess('split', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent' } });
    const url = await split.healthy();
    const png = await toPng(picture(80, 60), 3);

    // Half of the body has arrived when the signal comes; the other half follows.
    const answered = new Promise<{ status: number; connection: string | undefined }>((resolve, reject) => {
      const upload = request(
        `${url}/?name=slow.png`,
        { method: 'POST', headers: { 'content-length': png.length } },
        (response) => {
          response.resume();
          resolve({ status: response.statusCode ?? 0, connection: response.headers.connection });
        },
      );
      upload.on('error', reject);
      upload.write(png.subarray(0, png.length >> 1), () => {
        split.signal('SIGTERM');
        void until('new connections to be refused', () => isRefused(url)).then(() =>
          upload.end(png.subarray(png.length >> 1)),
        );
      });
    });
    expect(await answered).toEqual({ status: 202, connection: 'close' });
    await split.exited;
    expect(split.end).toBe(0);
  });

  it('exits with 0 even while it is still starting', async () => {
    const server = await startRedis();
    const blur = new FunctionProcess('blur', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent' } });
    const redis = server.connect();
    cleanups.push(async () => redis.disconnect());
    await until('its connection', async () => String(await redis.client('LIST')).split('id=').length > 2);
    await blur.stop();
    expect(blur.end).toBe(0);
  });

  it('reports that it is not ready before it exits', async () => {
    const server = await startRedis();
    const assemble = new FunctionProcess('assemble', { env: { REDIS_URL: server.url, LOG_LEVEL: 'silent' } });
    const url = await assemble.ready();
    await until('readiness', async () => (await fetch(`${url}/health/ready`)).ok);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await server.kill();
    await until('unreadiness', async () => (await fetch(`${url}/health/ready`)).status === 503);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await assemble.stop();
    expect(assemble.end).toBe(0);
  });
});

describe('split without Redis', () => {
  it('answers 503 and asks for a retry', async () => {
    const free = createServer().listen(0);
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    const split = new FunctionProcess('split', {
      env: { REDIS_URL: `redis://127.0.0.1:${port}`, LOG_LEVEL: 'silent' },
    });
    cleanups.push(() => split.stop());
    const response = await fetch(await split.ready(), {
      method: 'POST',
      body: await toPng(picture(20, 20), 3),
    });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toMatchObject({ code: 'queue-unavailable' });
  });
});

describe("the functions under the framework's own command", () => {
  const root = join(import.meta.dirname, '../..');

  function framework(target: string, source: string, env: Record<string, string>): ChildProcess {
    const command = join(root, 'node_modules/.bin/functions-framework');
    const child = spawn(process.execPath, [command, `--target=${target}`, `--source=${source}`], {
      cwd: root,
      env: { PATH: process.env.PATH, LOG_LEVEL: 'silent', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    });
    return child;
  }

  it('end when they are stopped while they start', async () => {
    const silentRedis = createServer().listen(0, '127.0.0.1'); // blur waits for it before the framework is ready.
    cleanups.push(async () => silentRedis.close());
    await once(silentRedis, 'listening');
    const { port } = silentRedis.address() as AddressInfo;
    const blur = framework('blur', 'dist/blur', { REDIS_URL: `redis://127.0.0.1:${port}`, PORT: '0' });
    await once(silentRedis, 'connection');
    blur.kill('SIGTERM');
    await until('its end', () => blur.exitCode !== null || blur.signalCode !== null);
  });

  it.each(['functions/%s/index.ts', 'dist/%s'])('are served from %s', async (pattern) => {
    const server = await startRedis();
    const folder = await outputFolder();
    const ports = { split: await freePort(), blur: await freePort(), assemble: await freePort() };
    const urlOf = (name: keyof typeof ports) => `http://127.0.0.1:${ports[name]}`;
    for (const [name, port] of Object.entries(ports)) {
      framework(name, pattern.replace('%s', name), {
        REDIS_URL: server.url,
        OUTPUT_PATH: folder,
        TILE_SIZE: '32',
        PORT: String(port),
        FUNCTION_TARGET: name,
        CONSUMER: 'off',
        K_SINK: urlOf('assemble'),
      });
    }
    await until('the framework to serve', async () => {
      const answers = Object.keys(ports).map((name) =>
        fetch(urlOf(name as keyof typeof ports)).then(
          () => true,
          () => false,
        ),
      );
      return (await Promise.all(answers)).every(Boolean);
    });
    const body = await toPng(picture(70, 70), 3);
    const upload = await until('split to have its Redis', async () => {
      const response = await fetch(`${urlOf('split')}/?name=f.png`, { method: 'POST', body });
      return response.status !== 503 && response;
    });
    expect(upload.status).toBe(202);
    const { id, tiles } = (await upload.json()) as { id: string; tiles: number };
    const drained = await fetch(urlOf('blur'), { method: 'POST' });
    expect(await drained.json()).toEqual({ processed: tiles });
    const status = await (await fetch(`${urlOf('split')}/images/${id}`)).json();
    expect(status).toMatchObject({ status: 'done', done: tiles });
  });
});

async function isRefused(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`).then(
    () => false,
    () => true,
  );
}
