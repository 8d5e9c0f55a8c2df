import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';

const START = join(import.meta.dirname, '../../scripts/start.ts');

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-start-'));
  await writeFile(join(folder, 'a.png'), await toPng(picture(300, 200), 3));
  await writeFile(join(folder, 'b.png'), await toPng(picture(150, 290, 'soft-alpha')));
  await writeFile(join(folder, 'broken.png'), (await toPng(picture(300, 200))).subarray(0, 2000));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function start(...args: string[]): ChildProcess {
  return startWith({}, ...args);
}

function startWith(env: Record<string, string>, ...args: string[]): ChildProcess {
  const options = { cwd: folder, env: { ...process.env, ...env } };
  return spawn(process.execPath, [START, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close'),
  ]);
  return { status: child.exitCode, stdout, stderr };
}

/** Returns the processes that belong to the run `child`, by their command line or environment. */
async function leftBehind(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/environ`, 'latin1').then(
        (env) => (env.includes(mark) ? pid : ''),
        () => '',
      ),
    ),
  );
  return environments.filter(Boolean);
}

describe('npm start', () => {
  it('blurs files and prints the figures as JSON', async () => {
    const { status, stdout } = await ended(
      start('a.png', 'b.png', '--out', 'json', '--kernel', '21', '--json'),
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      images: Record<string, unknown>[];
    };
    expect(report).toMatchObject({ expected: 4, processed: 4, missing: 0, ms: expect.any(Number) as number });
    expect(report.images).toMatchObject([
      { name: 'a.png', width: 300, height: 200, tiles: 2, state: 'done', output: 'json/a_blurred.png' },
      { name: 'b.png', width: 150, height: 290, tiles: 2, state: 'done', output: 'json/b_blurred.png' },
    ]);
    expect(await blurredPixels('json/a_blurred.png')).toEqual(convolve(picture(300, 200), 21).data);
    expect(await blurredPixels('json/b_blurred.png')).toEqual(
      convolve(picture(150, 290, 'soft-alpha'), 21).data,
    );
  });

  it('does the same in naive mode, and a second time', async () => {
    for (let times = 0; times < 2; times++) {
      const { status } = await ended(start('a.png', '--out', 'naive', '--queue', 'naive', '--tile', '100'));
      expect(status).toBe(0);
    }
    expect(await blurredPixels('naive/a_blurred.png')).toEqual(convolve(picture(300, 200), 15).data);
  });

  it('reports a bad image with its reason, processes the others, and exits with 1', async () => {
    await mkdir(join(folder, 'batch'));
    for (const name of ['a.png', 'b.png', 'broken.png']) {
      await copyFile(join(folder, name), join(folder, 'batch', name));
    }
    const { status, stdout } = await ended(start('batch', '--out', 'mixed'));
    expect(status).toBe(1);
    expect(stdout).toMatch(/broken\.png\s+refused: .*/);
    expect((await readdir(join(folder, 'mixed'))).sort()).toEqual(['a_blurred.png', 'b_blurred.png']);
  });

  it('lets nobody else call its split if it has a token', async () => {
    const token = 'start-token-0123456789';
    await writeFile(join(folder, 'wide.png'), await toPng(picture(2000, 1500), 3));
    const child = startWith({ TESSERA_TOKEN: token }, 'wide.png', '--tile', '64', '--out', 'guarded');
    let printed = '';
    child.stdout?.on('data', (data: Buffer) => (printed += data.toString()));
    const output = ended(child);
    const [, url] = await until('the URL of split', () => /^split: (\S+)$/m.exec(printed));
    expect((await fetch(`${url}/images`)).status).toBe(401);
    const { status, stdout, stderr } = await output;
    expect(status).toBe(0);
    expect(stdout + stderr).not.toContain(token);
  });

  it('runs at the same time as another one', async () => {
    const runs = ['left', 'right'].map((out) => ended(start('a.png', '--out', out, '--json')));
    for (const { status } of await Promise.all(runs)) expect(status).toBe(0);
    expect(await readFile(join(folder, 'left/a_blurred.png'))).toEqual(
      await readFile(join(folder, 'right/a_blurred.png')),
    );
  });

  it('draws samples if no image is given', async () => {
    const { status, stdout } = await ended(start('--workers', '2'));
    expect(status).toBe(0);
    const samples = (await readdir(join(folder, 'samples'))).sort();
    expect(samples.length).toBeGreaterThanOrEqual(3);
    expect((await readdir(join(folder, 'output'))).length).toBe(samples.length);
    expect(stdout).toMatch(/3 of 3 images written/);
  });

  it('stops cleanly when it is interrupted', async () => {
    await writeFile(join(folder, 'large.png'), await toPng(picture(2000, 1500), 3));
    const child = start('large.png', '--kernel', '255', '--tile', '64', '--out', 'interrupted');
    const output = ended(child);
    await until('the functions to run', async () => (await leftBehind('OUTPUT_PATH=interrupted')).length > 2);
    child.kill('SIGINT');
    expect((await output).status).toBe(130);
    expect(await leftBehind('OUTPUT_PATH=interrupted')).toEqual([]);
  });

  it.each([
    [['--kernel', '4'], '--kernel is 4'],
    [['--tile', '0'], '--tile is 0'],
    [['--queue', 'fast'], '--queue is fast'],
    [['--workers', 'many'], '--workers is many'],
    [['--nonsense'], '--nonsense'],
    [['missing.png'], 'There is no missing.png'],
  ])('refuses %j', async (args, told) => {
    const { status, stderr } = await ended(start(...args));
    expect(status).toBe(2);
    expect(stderr).toContain(told);
  });

  it('prints its usage', async () => {
    const { status, stdout } = await ended(start('--help'));
    expect(status).toBe(0);
    for (const option of ['--out', '--kernel', '--tile', '--queue', '--workers', '--json'])
      expect(stdout).toContain(option);
  });
});

async function blurredPixels(file: string): Promise<Uint8Array> {
  return (await toPixels(await readFile(join(folder, file)))).data;
}
