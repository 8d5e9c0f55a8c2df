// `npm start -- --serve`: the pipeline keeps running, scripts find it, and it leaves nothing behind.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { RunPlace, testInPlace, type LocalRun } from '../support/local-run.ts';

const root = join(import.meta.dirname, '../..');

interface Served {
  run: LocalRun;
  url: string;
  /** Runs a command as a user would while the pipeline runs. */
  shell: (command: string) => Promise<{ stdout: string; stderr: string }>;
}

async function serve(place: RunPlace, env: NodeJS.ProcessEnv = {}, ...options: string[]): Promise<Served> {
  const args = [join(root, 'scripts/start.mjs'), '--serve', '--port', '0', ...options];
  const run = place.run(process.execPath, args, env);
  const [, url] = await run.prints(/Tessera is up: (\S+)/);
  await run.prints(/Ctrl-C ends it/);
  // No cluster and no other pipeline may be found instead.
  const beside = {
    ...place.env,
    ...env,
    KUBECONFIG: '/dev/null',
    SPLIT_URL: '',
    REDIS_URL: '',
    TESSERA_NAMESPACE: '',
  };
  const shell = (command: string) =>
    promisify(execFile)('bash', ['-c', command], { cwd: place.folder, env: beside, timeout: 60_000 });
  return { run, url, shell };
}

/** Ends it, checks that nothing is left, and returns how it ended. */
async function end(
  { run }: Served,
  place: RunPlace,
  signal: NodeJS.Signals,
): Promise<number | NodeJS.Signals | null> {
  run.child.kill(signal);
  const { status } = await run.ended;
  await place.isClean('out');
  return status;
}

const curlLines = ({ run }: Served) => run.printed.split('\n').filter((line) => line.startsWith('  curl'));

describe('a pipeline that is kept up', () => {
  let place: RunPlace;
  let served: Served;

  beforeAll(async () => {
    place = await RunPlace.make();
    const opener = '#!/bin/sh\necho "$1" >"$(dirname "$0")/opened"\n';
    await writeFile(place.at('xdg-open'), opener, { mode: 0o755 });
    served = await serve(place, { PATH: `${place.folder}:${process.env.PATH}` }, '--open');
  });
  afterAll(() => place?.remove());

  test('prints curl lines that work as pasted, and scales to zero and back', async () => {
    const lines = curlLines(served);
    expect(lines).toHaveLength(3);
    await served.shell(lines.join('\n'));
    const blurred = await toPixels(await readFile(place.at('dunes_blurred.png')));
    expect([blurred.width, blurred.height]).toEqual([1792, 1280]);
    await served.run.prints(/workers 1\n[^]*workers 0\n/);
  });

  test('opens its page with --open', async () => {
    const opened = async () => readFile(place.at('opened'), 'utf8').catch(() => '');
    const url = (await until('the address', opened)).trim();
    expect(url).toBe(served.url);
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('<title>Tessera</title>');
  });

  test('is found by run.sh and watch.sh', async () => {
    await writeFile(place.at('a.png'), await toPng(picture(300, 200), 3));
    const { stdout } = await served.shell(`${root}/scripts/run.sh a.png --kernel 9 --out fetched`);
    expect(stdout).toContain(`sending to ${served.url} on this machine\n`);
    expect(stdout).toContain('images=1 done=1 failed=0');
    const blurred = await toPixels(await readFile(place.at('fetched/a_blurred.png')));
    expect(Buffer.compare(blurred.data, convolve(picture(300, 200), 9).data)).toBe(0);
    const watched = await served.shell(`${root}/scripts/watch.sh --seconds 1`);
    expect(watched.stdout).toMatch(/ [1-9] +0 +0 +0\n/);
  });

  test('leaves nothing after Ctrl-C, and is not found any more', async () => {
    expect(await end(served, place, 'SIGINT')).toBe(0);
    await expect(served.shell(`${root}/scripts/run.sh a.png`)).rejects.toThrow('kubectl');
  });
});

describe.concurrent('another pipeline that is kept up', () => {
  testInPlace('leaves nothing after SIGTERM', async ({ place, expect }) => {
    const served = await serve(place);
    expect(await end(served, place, 'SIGTERM')).toBe(0);
  });

  testInPlace(
    'takes settings and tokens from the environment, and leaves nothing after SIGKILL',
    async ({ place, expect }) => {
      const token = 'serve-token-0123456789';
      const served = await serve(place, { TESSERA_TOKEN: token, MAX_PIXELS: '1000', OWN_IMAGES_ONLY: 'on' });
      expect((await fetch(`${served.url}/images`)).status).toBe(401);
      const [upload, status] = curlLines(served);
      const refused = await served.shell(upload);
      expect(refused.stdout).toContain('image-too-large');
      const unknown = await served.shell(status);
      expect(unknown.stdout).toContain('not-found');
      expect(served.run.printed).not.toContain(token);
      expect(await end(served, place, 'SIGKILL')).toBe('SIGKILL');
    },
  );

  testInPlace('ends when its Redis is gone, and says so', async ({ place, expect }) => {
    const { run } = await serve(place);
    const [redis] = run.pidsOf('redis-server');
    process.kill(redis, 'SIGKILL');
    const { status, stderr } = await run.ended;
    expect(stderr).toBe('error: Redis ended\n');
    expect(status).toBe(1);
    await place.isClean('out');
  });
});

describe.concurrent('what is not up', () => {
  testInPlace(
    'is no pipeline whose process is gone, or that belongs to nobody here',
    async ({ place, expect }) => {
      const folder = place.at('tmp', `tessera-serve-${process.getuid?.()}-stale`);
      await mkdir(folder);
      const gone = {
        pid: 2 ** 22 - 1,
        url: 'http://127.0.0.1:1',
        redis: 'redis://127.0.0.1:1',
        keyPrefix: 'image',
      };
      await writeFile(join(folder, 'state.json'), JSON.stringify(gone));
      await writeFile(place.at('a.png'), await toPng(picture(30, 20), 3));
      const env = { KUBECONFIG: '/dev/null', SPLIT_URL: '', REDIS_URL: '', TESSERA_NAMESPACE: '' };
      for (const command of [`run.sh a.png`, 'watch.sh --seconds 1']) {
        const { status, stderr } = await place.run('bash', ['-c', `${root}/scripts/${command}`], env).ended;
        expect(stderr).toMatch(/^error: .*(kubectl|cluster|server|nothing to watch).*\n$/);
        expect(status).toBe(2);
      }
    },
  );

  testInPlace('is told when the port is taken', async ({ place, expect }) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { status, stderr } = await place.start('--serve', '--port', String(port)).ended;
    server.close();
    expect(stderr).toBe(`error: port ${port} is taken; --port names another\n`);
    expect(status).toBe(1);
  });
});
