import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-make-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('makeFolder', () => {
  it('makes a folder and its parents, and leaves existing ones unchanged', async () => {
    for (const _ of [1, 2]) await makeFolder(join(folder, 'a/b/c'));
    expect((await stat(join(folder, 'a/b/c'))).isDirectory()).toBe(true);
  });

  it('follows a link to a folder', async () => {
    await mkdir(join(folder, 'there'));
    await symlink('there', join(folder, 'link'));
    await makeFolder(join(folder, 'link/deep'));
    expect((await stat(join(folder, 'there/deep'))).isDirectory()).toBe(true);
  });

  it('makes the same folders concurrently', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => makeFolder(join(folder, `a/b/c/${at % 2}`))));
    expect((await stat(join(folder, 'a/b/c/1'))).isDirectory()).toBe(true);
  });

  it.each(['file', 'file/deep', 'file/deep/deeper'])('throws if a file is in the way: %s', async (path) => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, path))).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  it.runIf(process.platform === 'linux')('throws if no folder can be made, as in /proc', async () => {
    await expect(makeFolder('/proc/tessera/output')).rejects.toThrow('ENOENT');
  });
});
