import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../../testing/as-nobody.ts';
import { earlierResult } from '../../testing/earlier-result.ts';
import { findImages } from './find-images.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-find-'));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true }));

/** Makes files, and the folders they need. */
async function files(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), name);
  }
}

async function names(within: string | null = null, at = 'in'): Promise<string[]> {
  return (await findImages(join(folder, at), within && join(folder, within))).images.map(({ name }) => name);
}

async function skipped(within: string | null = null): Promise<string[]> {
  const { skipped } = await findImages(join(folder, 'in'), within && join(folder, within));
  return skipped.map(({ name, reason }) => `${name}: ${reason}`);
}

describe('findImages', () => {
  it('finds the images of a folder and its subfolders, sorted by name', async () => {
    await files(
      'in/b.PNG',
      'in/a.jpg',
      'in/sub/deep/c.jpeg',
      'in/sub/d.jfif',
      'in/照片.png',
      'in/été à la plage (1).jpg',
    );
    expect(await names()).toEqual([
      'a.jpg',
      'b.PNG',
      'sub/d.jfif',
      'sub/deep/c.jpeg',
      'été à la plage (1).jpg',
      '照片.png',
    ]);
    expect(await skipped()).toEqual([]);
  });

  it('ignores hidden files, clutter, and folders that are named like an image', async () => {
    await files('in/._photo.png', 'in/.DS_Store', 'in/.hidden/a.png', 'in/Thumbs.db', 'in/desktop.ini');
    await files('in/frames.png/1.png', 'in/a.png');
    expect(await names()).toEqual(['a.png']);
    expect(await skipped()).toEqual([]);
  });

  it('finds the images of a folder that is named like an image if it is requested explicitly', async () => {
    await files('in/frames.png/1.png');
    expect(await names(null, 'in/frames.png')).toEqual(['1.png']);
  });

  it('lists other formats and the results of earlier runs', async () => {
    await files('in/a.png', 'in/b.webp', 'in/sub/c.heic', 'in/notes');
    await writeFile(join(folder, 'in/a_blurred.png'), earlierResult());
    expect(await names()).toEqual(['a.png']);
    expect(await skipped()).toEqual([
      'a_blurred.png: the result of an earlier run',
      'b.webp: not a .png or .jpg',
      'notes: not a .png or .jpg',
      'sub/c.heic: not a .png or .jpg',
    ]);
  });

  it('treats a file as an earlier result only if its name and its content say so', async () => {
    await files('in/motion_blurred.png', 'in/soft_blurred.jpg');
    await writeFile(join(folder, 'in/empty_blurred.png'), '');
    await writeFile(join(folder, 'in/renamed.png'), earlierResult());
    await writeFile(join(folder, 'result'), earlierResult());
    await symlink('../result', join(folder, 'in/link_blurred.png'));
    expect(await names()).toEqual([
      'empty_blurred.png',
      'motion_blurred.png',
      'renamed.png',
      'soft_blurred.jpg',
    ]);
    expect(await skipped()).toEqual(['link_blurred.png: the result of an earlier run']);
  });

  it('reads linked files, and searches linked folders once', async () => {
    await files('in/z/x.png', 'album/y.png', 'photo.png');
    await symlink('../photo.png', join(folder, 'in/link.png'));
    await symlink('../photo.png', join(folder, 'in/link.txt'));
    await symlink('z', join(folder, 'in/again'));
    await symlink('../album', join(folder, 'in/album'));
    await symlink('../album', join(folder, 'in/twice'));
    await symlink('../album', join(folder, 'in/pictures.png'));
    expect(await names()).toEqual(['album/y.png', 'link.png', 'z/x.png']);
    expect(await skipped()).toEqual(['link.txt: not a .png or .jpg']);
  });

  it('ends if links form a circle', async () => {
    await files('in/a.png', 'in/sub/b.png', 'outside.png');
    await symlink('.', join(folder, 'in/self'));
    await symlink('..', join(folder, 'in/sub/up'));
    await symlink('sub', join(folder, 'in/down'));
    await symlink('../..', join(folder, 'in/sub/out'));
    await symlink('/', join(folder, 'in/root'));
    expect(await names()).toEqual(['a.png', 'sub/b.png']);
    expect(await skipped()).toEqual([
      'root: a link to a folder that contains this one',
      'sub/out: a link to a folder that contains this one',
    ]);
  });

  it('lists broken links', async () => {
    await files('in/a.png');
    await symlink('nothing.png', join(folder, 'in/broken.png'));
    await symlink('circle.png', join(folder, 'in/circle.png'));
    expect(await skipped()).toEqual(['broken.png: a broken link', 'circle.png: a broken link']);
  });

  it('follows no link that leads out of the allowed folder', async () => {
    await files('in/a.png', 'inside/c.png', 'in/sub/d.png');
    await symlink('../inside', join(folder, 'in/folder'));
    await symlink('../inside/c.png', join(folder, 'in/file.png'));
    await symlink('sub', join(folder, 'in/within'));
    expect(await names('in')).toEqual(['a.png', 'sub/d.png']);
    expect(await skipped('in')).toEqual([
      'file.png: a link that leads out of the folder',
      'folder: a link that leads out of the folder',
    ]);
  });

  it('lists what is not a file', async () => {
    await files('in/a.png');
    execFileSync('mkfifo', [join(folder, 'in/pipe.png')]);
    await symlink('/dev/null', join(folder, 'in/null.png'));
    const server = createServer().listen(join(folder, 'in/socket.png'));
    await once(server, 'listening');
    expect(await names()).toEqual(['a.png']);
    expect(await skipped()).toEqual([
      'null.png: a link to neither a file nor a folder',
      'pipe.png: neither a file nor a folder',
      'socket.png: neither a file nor a folder',
    ]);
    server.close();
  });

  it('lists a folder that may not be read, and continues', async () => {
    await files('in/a.png', 'in/closed/b.png', 'in/open/c.png');
    await symlink('closed/b.png', join(folder, 'in/link.png'));
    await chmod(join(folder, 'in/closed'), 0);
    const { images, skipped } = await asNobody(() => findImages(join(folder, 'in'), null));
    expect(images.map(({ name }) => name)).toEqual(['a.png', 'open/c.png']);
    expect(skipped).toEqual([
      { name: 'closed', reason: 'cannot be read (EACCES)' },
      { name: 'link.png', reason: 'cannot be read (EACCES)' },
    ]);
  });

  it('normalises names, and lists a second file that then has the same name', async () => {
    const [composed, apart] = ['NFC', 'NFD'].map((form) => 'é.png'.normalize(form));
    await files(`in/${apart}`, `in/only ${apart}`, `in/${composed}`);
    expect(await names()).toEqual([`only ${composed}`, composed]);
    const { images } = await findImages(join(folder, 'in'), null);
    expect(images.map(({ path }) => path)).toEqual(
      [`only ${apart}`, composed].map((name) => join(folder, 'in', name)),
    );
    expect(await skipped()).toEqual([
      `${composed}: the same name as another file, with accents stored differently`,
    ]);
  });

  it('lists files with names that are not allowed, in characters that are safe to show', async () => {
    await files('in/a\nb.png', 'in/\u202egnp.exe.png', `in/${Array(33).fill('d').join('/')}/x.png`);
    const latin1 = Buffer.concat([Buffer.from(join(folder, 'in/')), Buffer.from('\xe9t\xe9.png', 'latin1')]);
    await writeFile(latin1, 'x');
    expect(await names()).toEqual([]);
    expect(await skipped()).toEqual([
      'a\ufffdb.png: its name has a control character',
      `${Array(33).fill('d').join('/')}: its name is 33 folders deep, more than 32`,
      '\ufffdgnp.exe.png: its name has a control character',
      '\ufffdt\ufffd.png: its name is not UTF-8',
    ]);
  });

  it('lists thousands of files', async () => {
    await mkdir(join(folder, 'in'));
    for (let file = 0; file < 10_000; file++) await writeFile(join(folder, `in/${file}.png`), '');
    for (let link = 0; link < 1000; link++) await symlink('0.png', join(folder, `in/link${link}.png`));
    expect((await names()).length).toBe(11_000);
  });
});
