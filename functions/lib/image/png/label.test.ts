import { expect, it } from 'vitest';
import sharp from 'sharp';
import { toPng, picture } from '../../../testing/pictures.ts';
import { encodePng } from './encode.ts';
import { labelChunk, labelOfPng, PNG_HEAD_BYTES } from './label.ts';

const id = '0123456789abcdef01234567';

async function labelled(ancillary: Uint8Array): Promise<Buffer> {
  const pixel = { data: Buffer.from([1, 2, 3]), width: 1, height: 1 };
  const size = { width: 1, height: 1, channels: 3 } as const;
  return Buffer.concat(await Array.fromAsync(encodePng(size, [pixel], { ancillary })));
}

it('can be read from the first bytes of a file', async () => {
  const file = await labelled(labelChunk(id));
  expect(labelOfPng(file.subarray(0, PNG_HEAD_BYTES))).toBe(id);
});

it('is a text that other decoders read', async () => {
  const { comments } = await sharp(await labelled(labelChunk(id))).metadata();
  expect(comments).toEqual([{ keyword: 'Tessera-Image', text: id }]);
});

it('is not found in other files, or in cut off ones', async () => {
  const file = await labelled(labelChunk(id));
  expect(labelOfPng(await toPng(picture(4, 4)))).toBeNull();
  expect(labelOfPng(await labelled(labelChunk('../../../etc/passwd/0123')))).toBeNull();
  expect(labelOfPng(file.subarray(0, PNG_HEAD_BYTES - 1))).toBeNull();
  expect(labelOfPng(Buffer.from('no PNG at all'))).toBeNull();
  expect(labelOfPng(Buffer.alloc(0))).toBeNull();
});
