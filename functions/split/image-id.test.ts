import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { imageId, nameByBytes } from './image-id.ts';

const bytes = randomBytes(3_000_000);
const identity = { name: 'a.png', recipe: '15', owner: null };

it('hashes the fields of an image and its bytes', async () => {
  const hash = createHash('sha256').update('a.png\n15\n').update(bytes).digest('hex');
  expect(await imageId(identity, bytes)).toBe(hash.slice(0, 24));
});

it('returns another id for another name, recipe, owner or byte', async () => {
  const other = Buffer.from(bytes);
  other[2_999_999]++;
  const ids = await Promise.all([
    imageId(identity, bytes),
    imageId({ ...identity, name: 'b.png' }, bytes),
    imageId({ ...identity, recipe: '17' }, bytes),
    imageId({ ...identity, owner: 'alice' }, bytes),
    imageId(identity, other),
  ]);
  expect(new Set(ids).size).toBe(ids.length);
});

it('names an image after its bytes', async () => {
  expect(await nameByBytes(Buffer.from('abc'))).toBe('ba7816bf8f01');
});
