import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { pngChunk } from '../../../testing/drawn-png.ts';
import { inputPiece, readImageData } from './image-data.ts';

const imageData = (...pieces: Buffer[]): Buffer =>
  Buffer.concat(pieces.map((piece) => pngChunk('IDAT', piece)));
const end = pngChunk('IEND', Buffer.alloc(0));

async function piecesOf(file: Buffer): Promise<Uint8Array[]> {
  return Array.fromAsync(readImageData(file, 0));
}

describe('readImageData', () => {
  test.each([
    ['one chunk', [randomBytes(5)]],
    ['chunks of a byte', Array.from({ length: 10_000 }, () => randomBytes(1))],
    ['empty chunks among others', [Buffer.alloc(0), randomBytes(3), Buffer.alloc(0), randomBytes(4)]],
    ['a chunk of several pieces', [randomBytes(3 * inputPiece + 7)]],
    ['chunks that end with a piece', [randomBytes(inputPiece - 9), randomBytes(9), randomBytes(inputPiece)]],
  ])('yields the data of %s in few pieces', async (_, data) => {
    const pieces = await piecesOf(Buffer.concat([imageData(...data), end]));
    const joined = Buffer.concat(data);
    expect(Buffer.concat(pieces).equals(joined)).toBe(true);
    expect(pieces.length).toBe(Math.ceil(joined.length / inputPiece));
  });

  test('stops at the first chunk of another kind', async () => {
    const file = Buffer.concat([
      imageData(Buffer.from('a')),
      pngChunk('tEXt', Buffer.from('b')),
      imageData(Buffer.from('c')),
    ]);
    expect(Buffer.concat(await piecesOf(file)).toString()).toBe('a');
  });

  test('yields the part of a chunk that a cut off file contains', async () => {
    const file = imageData(Buffer.from('whole'), Buffer.from('0123456789'));
    expect(Buffer.concat(await piecesOf(file.subarray(0, -7))).toString()).toBe('whole0123456');
  });

  test('yields nothing of a chunk whose CRC is wrong, or of later chunks', async () => {
    const damaged = imageData(Buffer.from('damaged'));
    damaged[damaged.length - 1] ^= 1;
    const file = Buffer.concat([imageData(Buffer.from('sound')), damaged, imageData(Buffer.from('later'))]);
    expect(Buffer.concat(await piecesOf(file)).toString()).toBe('sound');
  });

  test('lets other work run while it reads many chunks', async () => {
    const file = Buffer.concat(Array<Buffer>(100_000).fill(imageData(Buffer.alloc(0))));
    let turns = 0;
    let isDone = false;
    const countTurns = () => {
      turns++;
      if (!isDone) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    expect(await piecesOf(file)).toEqual([]);
    isDone = true;
    expect(turns).toBeGreaterThan(20);
  });
});
