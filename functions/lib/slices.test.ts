import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { copyInSlices, inSlices } from './slices.ts';

const MEBIBYTE = 1024 * 1024;

describe.each([0, 1, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE])('%i bytes', (length) => {
  const bytes = randomBytes(length);

  it('come in slices, in order and whole', async () => {
    const slices = await Array.fromAsync(inSlices(bytes));
    expect(Buffer.concat(slices).equals(bytes)).toBe(true);
    expect(slices.every((slice) => slice.length <= MEBIBYTE)).toBe(true);
  });

  it('are copied into memory of their own', async () => {
    const copy = await copyInSlices(bytes);
    expect(Buffer.from(copy).equals(bytes)).toBe(true);
    expect(copy.buffer.byteLength).toBe(length);
    expect(copy.buffer).not.toBe(bytes.buffer);
  });
});

it('lets other work run between the slices', async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const seen: number[] = [];
  for await (const _ of inSlices(Buffer.alloc(50 * MEBIBYTE))) {
    seen.push(turns);
    const until = performance.now() + 2;
    while (performance.now() < until);
  }
  clearInterval(counting);
  expect(seen.at(-1)).toBeGreaterThan(10);
});
