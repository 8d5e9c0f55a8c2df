import { beforeAll, describe } from 'vitest';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { testInPlace, type RunPlace } from '../support/local-run.ts';

const START = join(import.meta.dirname, '../../scripts/start.mjs');

let files: Record<'a.png' | 'b.png' | 'broken.png' | 'large.png', Uint8Array>;

beforeAll(async () => {
  files = {
    'a.png': await toPng(picture(300, 200), 3),
    'b.png': await toPng(picture(150, 290, 'soft-alpha')),
    'broken.png': (await toPng(picture(300, 200))).subarray(0, 2000),
    'large.png': await toPng(picture(1200, 1000), 3),
  };
});

async function put(place: RunPlace, ...names: (keyof typeof files)[]): Promise<void> {
  for (const name of names) await writeFile(place.at(name), files[name]);
}

async function blurredPixels(place: RunPlace, file: string): Promise<Uint8Array> {
  return (await toPixels(await readFile(place.at(file)))).data;
}

describe.concurrent('npm start', () => {
  testInPlace('blurs files and prints the figures as JSON', async ({ place, expect }) => {
    await put(place, 'a.png', 'b.png');
    const run = place.start('a.png', 'b.png', '--out', 'json', '--kernel', '21', '--tile', '256', '--json');
    const { status, stdout } = await run.ended;
    expect(status).toBe(0);
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      images: Record<string, unknown>[];
    };
    expect(report).toMatchObject({ expected: 4, processed: 4, missing: 0, ms: expect.any(Number) as number });
    expect(report.images).toMatchObject([
      { name: 'a.png', width: 300, height: 200, tiles: 2, state: 'done', output: 'json/a_blurred.png' },
      { name: 'b.png', width: 150, height: 290, tiles: 2, state: 'done', output: 'json/b_blurred.png' },
    ]);
    expect(await blurredPixels(place, 'json/a_blurred.png')).toEqual(convolve(picture(300, 200), 21).data);
    expect(await blurredPixels(place, 'json/b_blurred.png')).toEqual(
      convolve(picture(150, 290, 'soft-alpha'), 21).data,
    );
  });

  testInPlace('does the same in naive mode', async ({ place, expect }) => {
    await put(place, 'a.png');
    const { status } = await place.start('a.png', '--out', 'naive', '--queue', 'naive', '--tile', '100')
      .ended;
    expect(status).toBe(0);
    expect(await blurredPixels(place, 'naive/a_blurred.png')).toEqual(convolve(picture(300, 200), 15).data);
  });

  testInPlace(
    'reports a bad image with its reason, processes the others, and exits with 1',
    async ({ place, expect }) => {
      await mkdir(place.at('batch'));
      for (const name of ['a.png', 'b.png', 'broken.png'] as const)
        await writeFile(place.at('batch', name), files[name]);
      const { status, stdout } = await place.start('batch', '--out', 'mixed').ended;
      expect(status).toBe(1);
      expect(stdout).toMatch(/broken\.png\s+refused: .*/);
      expect((await readdir(place.at('mixed'))).sort()).toEqual(['a_blurred.png', 'b_blurred.png']);
    },
  );

  testInPlace('lets nobody else call its split if it has a token', async ({ place, expect }) => {
    const token = 'start-token-0123456789';
    await put(place, 'large.png');
    const args = [START, 'large.png', '--tile', '64', '--out', 'guarded'];
    const run = place.run(process.execPath, args, { TESSERA_TOKEN: token });
    const [, url] = await run.prints(/^split: (\S+)$/m);
    expect((await fetch(`${url}/images`)).status).toBe(401);
    const { status, stdout, stderr } = await run.ended;
    expect(status).toBe(0);
    expect(stdout + stderr).not.toContain(token);
  });

  testInPlace('draws samples if no image is given', async ({ place, expect }) => {
    const { status, stdout } = await place.start('--workers', '2').ended;
    expect(status).toBe(0);
    const samples = (await readdir(place.at('samples'))).sort();
    expect(samples.length).toBeGreaterThanOrEqual(3);
    expect((await readdir(place.at('output'))).length).toBe(samples.length);
    expect(stdout).toMatch(/3 of 3 images written/);
  });

  testInPlace('stops cleanly when it is interrupted', async ({ place, expect }) => {
    await put(place, 'large.png');
    const run = place.start('large.png', '--kernel', '255', '--tile', '64', '--out', 'interrupted');
    await until('a worker', () => run.pidsOf('dist/blur').length > 0);
    run.child.kill('SIGINT');
    expect((await run.ended).status).toBe(130);
    await place.isClean('interrupted');
  });

  testInPlace('refuses a file that does not exist', async ({ place, expect }) => {
    const { status, stderr } = await place.start('missing.png').ended;
    expect(status).toBe(2);
    expect(stderr).toBe('error: There is no missing.png (try --help)\n');
  });

  testInPlace('prints its usage', async ({ place, expect }) => {
    const { status, stdout } = await place.start('--help').ended;
    expect(status).toBe(0);
    for (const option of ['--out', '--kernel', '--tile', '--queue', '--workers', '--json'])
      expect(stdout).toContain(option);
  });
});
