import { afterAll, describe, expect, it } from 'vitest';
import { coreInSource, sourceOf, tileCount, tileGrid } from '../lib/image/tile-grid.ts';
import type { Claim } from '../lib/queue/tile-queue.ts';
import { drawImage } from '../testing/drawn-image.ts';
import { convolve } from './convolve/convolve.ts';
import { Convolver } from './convolver.ts';

const grid = tileGrid(50, 40, 16, 4);

/** Returns a claim of one tile; its source is the same noise at every call. */
function claimOf(tile: number, channels: 3 | 4): Claim {
  const { width, height } = sourceOf(grid, tile);
  const source = drawImage(channels === 3 ? 'noise' : 'noisy alpha', width, height, channels).data;
  const job = { imageId: 'a'.repeat(24), tile };
  return {
    job,
    token: '',
    attempt: 1,
    source,
    width: 50,
    height: 40,
    tileSizePx: 16,
    recipe: '9',
    trace: '',
  };
}

function blurredCore(tile: number, channels: 3 | 4): Uint8Array {
  const { source } = claimOf(tile, channels);
  const bitmap = { data: source ?? new Uint8Array(), ...sourceOf(grid, tile) };
  return convolve(bitmap, 9, coreInSource(grid, tile)).data;
}

describe.each([
  ['here', 1],
  ['in threads', 3],
])('convolving %s', (_where, atOnce) => {
  const convolver = new Convolver(atOnce);
  afterAll(() => convolver.close());

  it.each([3, 4] as const)('returns the cores of tiles of %i bytes per pixel', async (channels) => {
    const tiles = Array.from({ length: tileCount(grid) }, (_, tile) => tile);
    const cores = await Promise.all(tiles.map((tile) => convolver.convolve(claimOf(tile, channels))));
    cores.forEach((core, tile) => expect(Buffer.compare(core, blurredCore(tile, channels))).toBe(0));
  });

  it('refuses an unknown recipe', async () => {
    await expect(convolver.convolve({ ...claimOf(0, 3), recipe: 'emboss:3' })).rejects.toThrow('"emboss:3"');
  });

  it('refuses a tile without its source', async () => {
    await expect(convolver.convolve({ ...claimOf(0, 3), source: null })).rejects.toThrow('gone');
  });

  it('refuses a source that does not fit its tile', async () => {
    await expect(convolver.convolve({ ...claimOf(0, 3), source: new Uint8Array(10) })).rejects.toThrow(
      'pixels need',
    );
  });
});
