// `npm start` with a real-life folder.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';

const START = join(import.meta.dirname, '../../scripts/start.mjs');

interface Report {
  images: { input: string; output: string | null; state: string; error: string | null }[];
  skipped: { name: string; reason: string }[];
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-folders-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function start(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [START, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

async function put(name: string, bytes: Uint8Array | string = 'x'): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), bytes);
}

async function filesIn(name: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, name).length + 1))
    .sort();
}

describe('npm start over a folder with everything in it', () => {
  const seeds = {
    'a.png': 1,
    'sub/deep/照片.png': 2,
    'été à la plage (1).png': 3,
    'other/link target.png': 4,
  };

  beforeAll(async () => {
    for (const [name, seed] of Object.entries(seeds)) {
      const place = name.startsWith('other/') ? name : `in/${name}`;
      await put(place, await toPng(picture(40, 30, 'opaque', seed), 3));
    }
    for (const name of ['in/._a.png', 'in/.DS_Store', 'in/b.webp', 'in/sub/c.heic', 'in/frames.png/1.png'])
      await put(name);
    await put('in/broken.png', 'no pixels at all');
    await symlink('../other/link target.png', join(folder, 'in/link.png'));
    await symlink('nothing.png', join(folder, 'in/gone.png'));
    await symlink('..', join(folder, 'in/sub/loop'));
  });

  it('mirrors it, says input → output, and names what was bad and what was skipped', async () => {
    const { status, stdout } = await start('in', '--out', 'in/out', '--kernel', '5');
    expect(status).toBe(1);
    for (const name of ['a', 'link', 'sub/deep/照片', 'été à la plage (1)']) {
      expect(stdout).toMatch(
        new RegExp(`in/${RegExp.escape(name)}\\.png → in/out/${RegExp.escape(name)}_blurred\\.png  40x30`),
      );
    }
    expect(stdout).toMatch(/in\/broken\.png {2}refused: .*PNG/);
    expect(stdout).toContain('\n3 skipped: b.webp, gone.png (a broken link), sub/c.heic\n');
    expect(stdout).toContain('4 of 5 images written to in/out');
    expect(await filesIn('in/out')).toEqual(
      [
        'a_blurred.png',
        'link_blurred.png',
        'sub/deep/照片_blurred.png',
        'été à la plage (1)_blurred.png',
      ].sort(),
    );
    const blurred = await toPixels(await readFile(join(folder, 'in/out/sub/deep/照片_blurred.png')));
    expect(Buffer.compare(blurred.data, convolve(picture(40, 30, 'opaque', 2), 5).data)).toBe(0);
  });

  it('does not use its own results as inputs, and reports the same as JSON', async () => {
    const { stdout } = await start('in', '--out', 'in/out', '--kernel', '5', '--json');
    const { images, skipped } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Report;
    expect(images.map(({ input, output, state }) => [input, output, state])).toEqual([
      ['in/a.png', 'in/out/a_blurred.png', 'done'],
      ['in/broken.png', null, 'refused'],
      ['in/link.png', 'in/out/link_blurred.png', 'done'],
      ['in/sub/deep/照片.png', 'in/out/sub/deep/照片_blurred.png', 'done'],
      ['in/été à la plage (1).png', 'in/out/été à la plage (1)_blurred.png', 'done'],
    ]);
    expect(skipped.filter(({ reason }) => reason === 'the result of an earlier run').length).toBe(4);
    expect(await filesIn('in/out')).toHaveLength(4);
  });
});

describe('npm start with files that cannot be blurred', () => {
  let run: { status: number; stdout: string };

  beforeAll(async () => {
    const png = await toPng(picture(20, 20), 3);
    for (const name of ['odd/a.png', 'odd/folder/c.png']) await put(name, png);
    await put('odd/empty.png', '');
    await put('odd/folder/closed/b.png');
    await chmod(join(folder, 'odd/folder/closed'), 0);
    await promisify(execFile)('mkfifo', [join(folder, 'odd/pipe')]);
    run = await start('odd/pipe', 'odd/empty.png', 'odd/folder', 'odd/a.png', '--out', 'sound');
  });

  it('blurs the others, and exits with 1', async () => {
    expect(run.status).toBe(1);
    expect(await filesIn('sound')).toEqual(['a_blurred.png', 'c_blurred.png']);
  });

  it('refuses a pipe and continues', () => {
    expect(run.stdout).toContain('odd/pipe  refused: "odd/pipe" is a pipe, not a file.');
  });

  it('says of a file without bytes that it is empty', () => {
    expect(run.stdout).toContain('  odd/empty.png  refused: the file is empty\n');
  });

  it('continues after a folder that may not be read', () => {
    const isRoot = process.getuid?.() === 0; // root may read it, and the file in it is no picture.
    expect(run.stdout).toMatch(isRoot ? /2 of 5 images/ : /1 skipped: closed \(cannot be read/);
  });
});

describe.concurrent('npm start', () => {
  it('says in one line that it cannot write there', async ({ expect }) => {
    await put('file');
    const { status, stderr } = await start('in/a.png', '--out', 'file/out');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --out file\/out cannot be written: ENOTDIR[^\n]*\n$/);
  });

  it.runIf(process.platform === 'linux')('ends where no folder can be made', async ({ expect }) => {
    const { status, stderr } = await start('in/a.png', '--out', '/proc/tessera');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --out \/proc\/tessera cannot be written: ENOENT[^\n]*\n$/);
  });

  it('lists what it skipped if nothing is left', async ({ expect }) => {
    await put('none/b.webp');
    const { status, stderr } = await start('none');
    expect(status).toBe(2);
    expect(stderr).toContain('There is no PNG or JPEG file in none\n1 skipped: b.webp');
  });
});
