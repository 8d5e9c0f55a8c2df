import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputName } from '../functions/lib/store/output-names.ts';
import { findInputs, skippedLines } from './inputs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-inputs-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function files(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), name);
  }
}

/** Where the result of each image goes, by its input. */
async function outputs(...paths: string[]): Promise<Record<string, string>> {
  const { images } = await findInputs(paths.map((path) => join(folder, path)));
  return Object.fromEntries(images.map(({ input, output }) => [input.slice(folder.length + 1), output]));
}

describe('findInputs', () => {
  it('mirrors the folders that were given', async () => {
    await files('holidays/a/x.png', 'holidays/照片.jpg', 'photo.png');
    expect(await outputs('holidays', 'photo.png')).toEqual({
      'holidays/a/x.png': 'a/x_blurred.png',
      'holidays/照片.jpg': '照片_blurred.png',
      'photo.png': 'photo_blurred.png',
    });
  });

  it('gives different names to images of two folders, of two formats, and whose names differ only in case', async () => {
    await files('one/x.png', 'two/x.png', 'two/X.png', 'two/y.jpg', 'two/y.png', 'three/x-2.png');
    const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);
    expect(await outputs('one', 'two', 'three')).toEqual({
      'one/x.png': `x.png~${hash(join(folder, 'one/x.png'))}_blurred.png`,
      'two/X.png': `X.png~${hash('X.png')}_blurred.png`,
      'two/x.png': `x.png~${hash(join(folder, 'two/x.png'))}_blurred.png`,
      'two/y.jpg': 'y.jpg_blurred.png',
      'two/y.png': 'y.png_blurred.png',
      'three/x-2.png': 'x-2_blurred.png',
    });
  });

  it('takes a file only once if it is given twice', async () => {
    await files('one/x.png');
    expect(await outputs('one', 'one/x.png', './one/x.png')).toEqual({ 'one/x.png': 'x_blurred.png' });
    expect((await findInputs([join(folder, 'one'), join(folder, 'one/x.png')])).images).toHaveLength(1);
  });

  it('sends every image under a name whose result no other gets', async () => {
    await files('a/x.png', 'b/x.png', 'b/x.jpg', 'c/été à la plage.jpg');
    const { images } = await findInputs([folder]);
    const names = images.map(({ name }) => name);
    expect(new Set(names.map((name) => outputName(name).toLowerCase())).size).toBe(4);
    expect(names[3]).toBe('été à la plage.jpg');
  });

  it('gives different names to hundreds of images with one name', async () => {
    await files(...Array.from({ length: 500 }, (_, at) => `${at}/x.png`));
    const { images } = await findInputs([folder]);
    expect(new Set(images.map(({ name }) => name)).size).toBe(500);
    expect(new Set(images.map(({ output }) => output)).size).toBe(500);
  });

  it('takes a file that is given by its path, whatever its name, and follows all links', async () => {
    await files('pixels.dat', 'elsewhere/y.png', 'in/z.png');
    await symlink('../elsewhere', join(folder, 'in/link'));
    expect(await outputs('pixels.dat', 'in')).toEqual({
      'pixels.dat': 'pixels.dat_blurred.png',
      'in/link/y.png': 'link/y_blurred.png',
      'in/z.png': 'z_blurred.png',
    });
  });

  it('says which path is not there', async () => {
    await expect(findInputs([join(folder, 'nothing')])).rejects.toThrow(`There is no ${folder}/nothing`);
  });
});

describe('skippedLines', () => {
  const other = (name: string) => ({ name, reason: 'not a .png or .jpg' });

  it('list skipped files, with the reason unless it is the format', () => {
    expect(skippedLines([])).toEqual([]);
    expect(skippedLines([other('b.webp'), other('c.heic')])).toEqual(['2 skipped: b.webp, c.heic']);
    expect(skippedLines([{ name: 'x.png', reason: 'a broken link' }])).toEqual([
      '1 skipped: x.png (a broken link)',
    ]);
  });

  it('name the results of earlier runs with the others', () => {
    const result = { name: 'a_blurred.png', reason: 'the result of an earlier run' };
    expect(skippedLines([result, other('b.webp')])).toEqual([
      '2 skipped: a_blurred.png (the result of an earlier run), b.webp',
    ]);
  });

  it('name twenty of many', () => {
    const [line] = skippedLines(Array.from({ length: 1000 }, (_, at) => other(`${at}.gif`)));
    expect(line).toMatch(/^1000 skipped: 0\.gif, .*, 19\.gif and 980 more$/);
  });
});
