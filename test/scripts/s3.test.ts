// `npm run s3`: one command that blurs the pictures of a bucket.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { until } from '../../functions/testing/until.ts';
import { freePort } from '../../local/free-port.ts';
import { testInPlace } from '../support/local-run.ts';

const root = join(import.meta.dirname, '../..');

it('blurs a folder of its bucket, and ends with Ctrl-C', async () => {
  const ports = [await freePort(), await freePort()];
  const args = [join(root, 'scripts/s3.ts'), '--s3-port', String(ports[0]), '--port', String(ports[1])];
  const folder = await mkdtemp(join(tmpdir(), 'tessera-s3-'));
  const { PATH, HOME } = process.env;
  const run = spawn(process.execPath, args, { env: { PATH, HOME, XDG_RUNTIME_DIR: folder } });
  let printed = '';
  for (const stream of [run.stdout, run.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  try {
    await until('Tessera to be up', () => printed.includes('Tessera is up: '), 60_000);
    const [, data] = /--json '(.*)' (\S+)/.exec(printed) ?? [];
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${ports[1]}/`, { method: 'POST', headers, body: data });
    const { images } = (await answer.json()) as { images: { name: string }[] };
    expect(images.map(({ name }) => name)).toEqual([
      'holidays/dunes.png',
      'holidays/lanterns.png',
      'holidays/tiles.jpg',
    ]);
    const [url = ''] = /\S+\/out\/holidays\/tiles_blurred\.png/.exec(printed) ?? [];
    const response = await until('the result to be in the bucket', async () => {
      const found = await fetch(url);
      return found.ok && found;
    });
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(await sharp(await response.bytes()).metadata()).toMatchObject({ width: 1200, height: 800 });
    run.kill('SIGINT');
    expect(await once(run, 'exit')).toEqual([0, null]);
  } finally {
    run.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});

describe.concurrent('npm run s3', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    testInPlace(`leaves nothing after ${signal}`, async ({ place }) => {
      const ports = ['--s3-port', '0', '--port', String(await freePort())];
      const run = place.run('npm', ['run', 's3', '--', ...ports], {}, root);
      await until('Tessera to be up', () => run.printed.includes('Tessera is up: '), 60_000);
      run.child.kill(signal);
      await run.ended;
      await place.isClean('out');
    });
  }
});
