import { expect, it } from 'vitest';
import { listImages, storedAs } from './s3-listing.ts';

const isNoResult = async () => false;

it('finds images in all folders, sorted, and says why other objects are skipped', async () => {
  const decomposed = 'été.png'.normalize('NFD');
  const keys = ['b.PNG', 'a/c.jpeg', 'a.jpg', 'notes.txt', decomposed, '../up.png', '/lead.png', 'a//b.png'];
  expect(
    await listImages([...keys, 'a\u0001b.png', './x.png', `${'x'.repeat(252)}.png`], isNoResult),
  ).toEqual({
    names: ['a.jpg', 'a/c.jpeg', 'b.PNG', 'été.png'.normalize('NFC')],
    skipped: [
      { name: '../up.png', reason: 'its name has a part that begins with a dot' },
      { name: './x.png', reason: 'its name has a part that begins with a dot' },
      { name: '/lead.png', reason: 'its name has a part that is empty' },
      { name: 'a//b.png', reason: 'its name has a part that is empty' },
      { name: 'a\ufffdb.png', reason: 'its name has a control character' },
      { name: 'notes.txt', reason: 'not a .png or .jpg' },
      { name: `${'x'.repeat(252)}.png`, reason: 'its name has 256 bytes, more than 255' },
    ],
  });
});

it('leaves out what a folder would not show, and the marks of folders', async () => {
  const keys = ['', 'holidays/', '.hidden.png', '.git/a.png', 'a/.b/c.png', 'Thumbs.db', 'a/desktop.ini'];
  expect(await listImages(keys, isNoResult)).toEqual({ names: [], skipped: [] });
});

it('skips the second of two objects whose names differ only in how accents are stored', async () => {
  const name = 'été.png'.normalize('NFC');
  const { names, skipped } = await listImages([name.normalize('NFD'), name], isNoResult);
  expect(names).toEqual([name]);
  expect(skipped.map(({ reason }) => reason)).toEqual([
    'the same name as another file, with accents stored differently',
  ]);
});

it('skips names that it could not find again', async () => {
  const mixed = 'é'.normalize('NFC') + 'é.png'.normalize('NFD');
  expect(storedAs(mixed.normalize('NFC'))).not.toContain(mixed);
  const { names, skipped } = await listImages([mixed], isNoResult);
  expect([names, skipped.length]).toEqual([[], 1]);
});

it('looks only into objects with the names of results', async () => {
  const keys = ['a.png', 'a_blurred.png', 'motion_blurred.png', 'b_sharpen.png'];
  const looked: string[] = [];
  const isResult = async (name: string) => {
    looked.push(name);
    return name !== 'motion_blurred.png';
  };
  const { names, skipped } = await listImages(keys, isResult);
  expect(looked.sort()).toEqual(['a_blurred.png', 'b_sharpen.png', 'motion_blurred.png']);
  expect(names).toEqual(['a.png', 'motion_blurred.png']);
  expect(skipped).toEqual([
    { name: 'a_blurred.png', reason: 'the result of an earlier run' },
    { name: 'b_sharpen.png', reason: 'the result of an earlier run' },
  ]);
});
