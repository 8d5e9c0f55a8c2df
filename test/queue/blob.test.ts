// Blobs: many bytes under one key, against a real Redis.
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { blobMemoryBytes, openBlob, writeBlob } from '../../functions/lib/redis/blob.ts';
import { useRig } from './rig.ts';

const on = useRig();
const write = (chunks: Uint8Array[], key = 'blob') => writeBlob(on.rig.redis, key, chunks, 60);

async function contents(key = 'blob'): Promise<Buffer | null> {
  const blob = await openBlob(on.rig.redis, key);
  return blob && buffer(blob.read());
}

/** Bytes that differ from place to place. */
function pattern(length: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: Math.ceil(length / 4) }, (_, at) => at).buffer, 0, length);
}

describe('a blob', () => {
  test.each<[string, Uint8Array[]]>([
    ['nothing', []],
    ['a few small chunks', [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')]],
    ['one part to the byte', [pattern((1 << 17) - 64)]],
    ['one byte more than a part', [pattern((1 << 17) - 63)]],
    ['chunks across parts', [pattern(700_000), pattern(700_000), pattern(3_000_000), pattern(1)]],
  ])('of %s is read as it was written', async (_what, chunks) => {
    await write(chunks);
    const whole = Buffer.concat(chunks);
    expect(Buffer.compare((await contents()) ?? Buffer.from('gone'), whole)).toBe(0);
    expect((await openBlob(on.rig.redis, 'blob'))?.sizeBytes).toBe(whole.length);
  });

  test('expires, even if its writer dies, and cannot be opened before it is complete', async () => {
    const mayEnd = Promise.withResolvers<void>();
    const seen: [unknown, number][] = [];
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield pattern(2_000_000);
      yield pattern(2_000_000);
      seen.push([await openBlob(on.rig.redis, 'blob'), await on.rig.redis.ttl('blob')]);
      await mayEnd.promise;
    }
    const writing = writeBlob(on.rig.redis, 'blob', slowly(), 60);
    mayEnd.resolve();
    await writing;
    expect(seen).toEqual([[null, 60]]);
    expect(await on.rig.redis.ttl('blob')).toBe(60);
  });

  test('leaves nothing when its source throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield pattern(2_000_000);
      throw new Error('the source broke');
    }
    await expect(writeBlob(on.rig.redis, 'blob', broken(), 60)).rejects.toThrow('the source broke');
    expect(await on.rig.redis.keys('*')).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['replaced', () => on.rig.redis.rename('other', 'blob')],
    ['removed', () => on.rig.redis.unlink('blob')],
  ])('that is %s while it is read is not read further', async (_what, change) => {
    await write([pattern(3_000_000)]);
    await write([Buffer.alloc(3_000_000, 'x')], 'other');
    const blob = await openBlob(on.rig.redis, 'blob');
    const reading = async () => {
      let parts = 0;
      for await (const _part of blob?.read() ?? []) if (parts++ === 0) await change();
    };
    await expect(reading()).rejects.toThrow('replaced or removed');
  });

  test.each([0, 1, 1000, 100_000, 1_000_000, (1 << 17) - 64, 3_000_000, 10_000_000])(
    'of %i bytes takes no more memory in Redis than calculated',
    async (sizeBytes) => {
      await write([Buffer.alloc(sizeBytes)]);
      const used = Number(await on.rig.redis.memory('USAGE', 'blob', 'SAMPLES', 0));
      expect(used).toBeLessThanOrEqual(blobMemoryBytes(sizeBytes));
      expect(blobMemoryBytes(sizeBytes)).toBeLessThan(used * 1.3 + 2000);
      expect(await on.rig.redis.hget('blob', 'memoryBytes')).toBe(String(blobMemoryBytes(sizeBytes)));
    },
  );
});
