import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { refused } from '../../../testing/odd-pngs/refused.ts';
import { toleratedChunks } from '../../../testing/odd-pngs/tolerated-chunks.ts';
import { toleratedData } from '../../../testing/odd-pngs/tolerated-data.ts';
import { decodePng } from './decode.ts';

async function decode(file: Buffer): Promise<Buffer> {
  return Buffer.concat((await Array.fromAsync(decodePng(file))).map((band) => band.data));
}

async function sharpOpens(file: Buffer): Promise<boolean> {
  return sharp(file)
    .raw()
    .toBuffer()
    .then(
      () => true,
      () => false,
    );
}

describe('a PNG is decoded despite', () => {
  const rows = [...toleratedData, ...toleratedChunks].flatMap(({ files, why, sharp }) =>
    Object.entries(files).map(([what, [odd, sound]]) => ({ what, odd, sound, why, sharp })),
  );

  test.each(rows)('$what, as $why', async ({ odd, sound, sharp }) => {
    expect(await decode(odd)).toEqual(await decode(sound));
    expect(await sharpOpens(odd)).toBe(sharp === 'opens');
  });
});

describe('a PNG is refused because of', () => {
  const rows = refused.flatMap(({ files, why, message, sharp }) =>
    Object.entries(files).map(([what, file]) => ({ what, file, why, message, sharp })),
  );

  test.each(rows)('$what: $why', async ({ file, message, sharp }) => {
    const decoded = decode(file);
    await expect(decoded).rejects.toMatchObject({ code: 'invalid-image' });
    await expect(decoded).rejects.toThrow(message);
    expect(await sharpOpens(file)).toBe(sharp === 'opens');
  });
});
