import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib, { type Inflate } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { headerChunk, pngChunk, pngSignature } from '../../../testing/drawn-png.ts';
import { inflateRows } from './inflate.ts';

/** The inflaters that were made, newest last, and their input. */
const inflaters: Inflate[] = [];
const written: Buffer[] = [];

const { createInflate } = zlib;

beforeAll(() => {
  vi.spyOn(zlib, 'createInflate').mockImplementation((options) => {
    const inflater = createInflate(options);
    inflaters.push(inflater);
    const write = inflater.write.bind(inflater);
    inflater.write = (piece: Buffer) => {
      written.push(piece);
      return write(piece);
    };
    return inflater;
  });
  syncBuiltinESMExports(); // Also for modules that have imported the function already.
});
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** After the signature and the header. */
const imageDataAt = 8 + 25;

function pngOf(...imageData: Buffer[]): Buffer {
  return Buffer.concat([
    pngSignature,
    headerChunk({ width: 1, height: 1, colorType: 2, bitDepth: 8 }),
    ...imageData.map((data) => pngChunk('IDAT', data)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

async function inflate(png: Buffer, length: number): Promise<Buffer> {
  return Buffer.concat(
    await Array.fromAsync(inflateRows(png, imageDataAt, length), (chunk) => Buffer.from(chunk)),
  );
}

describe('inflateRows', { timeout: 60_000 }, () => {
  const rows = Buffer.concat([randomBytes(1_000_000), Buffer.alloc(2_000_000), randomBytes(10)]);
  const stream = zlib.deflateSync(rows);

  test('yields what was deflated', async () => {
    expect((await inflate(pngOf(stream), rows.length)).equals(rows)).toBe(true);
  });

  test('joins image data in one large, many small and empty chunks', async () => {
    const empty = Buffer.alloc(0);
    const tiny = Array.from({ length: 5000 }, (_, i) => stream.subarray(i, i + 1));
    const png = pngOf(
      empty,
      ...tiny,
      empty,
      empty,
      stream.subarray(5000, 900_000),
      stream.subarray(900_000),
      empty,
    );
    expect((await inflate(png, rows.length)).equals(rows)).toBe(true);
  });

  test('passes copies to zlib, so that the memory of the file can be freed at any time', async () => {
    const png = pngOf(stream);
    written.length = 0;
    await inflate(png, rows.length);
    expect(Buffer.concat(written).equals(stream)).toBe(true);
    expect(written.filter((piece) => piece.buffer === png.buffer)).toEqual([]);
  });

  test('ignores bytes after the end of the stream', async () => {
    const png = pngOf(Buffer.concat([stream, randomBytes(100)]), randomBytes(3_000_000));
    expect((await inflate(png, rows.length)).equals(rows)).toBe(true);
  });

  test.each([1, 1_000_000])('refuses data that is %i bytes short', async (by) => {
    await expect(inflate(pngOf(stream), rows.length + by)).rejects.toMatchObject({ code: 'invalid-image' });
  });

  test.each([1, 1_500_000, rows.length - 1])('leaves %i extra bytes unread', async (by) => {
    const length = rows.length - by;
    expect((await inflate(pngOf(stream), length)).equals(rows.subarray(0, length))).toBe(true);
  });

  test.each([1, 4, 9])('accepts a stream that lacks its last %i bytes if all data is there', async (by) => {
    // The stream ends in an empty block, so that it can lose more than its checksum.
    const flushed = zlib.deflateSync(rows, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const stream = Buffer.concat([flushed, Buffer.from('0300', 'hex'), zlib.deflateSync(rows).subarray(-4)]);
    expect((await inflate(pngOf(stream), rows.length)).equals(rows)).toBe(true);
    expect((await inflate(pngOf(stream.subarray(0, -by)), rows.length)).equals(rows)).toBe(true);
  });

  const broken = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(stream);
    change(bytes);
    return bytes;
  };
  test.each([
    ['has no bytes', Buffer.alloc(0)],
    ['is cut off', stream.subarray(0, 500_000)],
    ['has a wrong checksum', broken((bytes) => (bytes[bytes.length - 1] ^= 1))],
    ['has no zlib header', broken((bytes) => (bytes[0] = 0))],
    ['asks for a dictionary', Buffer.from('78bb00000001030000000001', 'hex')],
    ['has an impossible block', broken((bytes) => (bytes[2] |= 7))],
  ])('refuses a stream that %s', async (_, data) => {
    await expect(inflate(pngOf(data), rows.length)).rejects.toMatchObject({ code: 'invalid-image' });
  });

  test('refuses a chunk with a wrong CRC, wherever it is', async () => {
    const png = pngOf(stream.subarray(0, 600_000), stream.subarray(600_000));
    png[png.length - 12 - 4] ^= 1;
    await expect(inflate(png, rows.length)).rejects.toThrow(/of undamaged image data/);
  });

  test('stops a stream that inflates without end', async () => {
    const bomb = zlib.deflateSync(Buffer.alloc(64 * 1024 * 1024));
    expect(await inflate(pngOf(bomb), 100)).toEqual(Buffer.alloc(100));
    expect(inflaters.at(-1)!.bytesWritten).toBeLessThan(bomb.length / 10);
    expect(inflaters.at(-1)!.destroyed).toBe(true);
  });

  test('waits for its reader', async () => {
    const noise = randomBytes(24 * 1024 * 1024);
    const reader = inflateRows(pngOf(zlib.deflateSync(noise, { level: 0 })), imageDataAt, noise.length);
    await reader.next();
    const inflater = inflaters.at(-1)!;
    let before = -1;
    while (inflater.bytesWritten !== before) {
      before = inflater.bytesWritten;
      await sleep(50);
    }
    expect(inflater.bytesWritten).toBeLessThan(3 * 1024 * 1024);
    await reader.return(undefined);
  });

  test('frees the inflater when the reader leaves', async () => {
    const png = pngOf(stream);
    for await (const chunk of inflateRows(png, imageDataAt, rows.length)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const inflater = inflaters.at(-1)!;
    expect(inflater.destroyed).toBe(true);
    if (!inflater.closed) await once(inflater, 'close');
    expect(inflater.closed).toBe(true);
  });
});
