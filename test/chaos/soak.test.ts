// A small soak: the same faults, but fewer.
import { describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { keepsPromises } from '../../chaos/soak-result.ts';
import { Soak } from '../../chaos/soak-run.ts';

const maxResidueBytes = 1024 * 1024;
const size = isFull ? { tiles: 1000, kills: 100 } : { tiles: 200, kills: 12 };
const rest = { seed: 7, deadlineMs: 100_000 };

describe('a soak', () => {
  test('of the lease queue loses nothing and leaves nothing in Redis', async () => {
    const result = await Soak.run({ ...size, ...rest, mode: 'lease' });
    expect(result.faults).toEqual([]);
    expect(result).toMatchObject({ tilesLost: 0, imagesNotDone: 0 });
    expect(result.workersKilled).toBeGreaterThan(0);
    expect(result.reclaims).toBeGreaterThan(0);
    expect(keepsPromises(result, maxResidueBytes)).toBe(true);

    // The verdict fails if one promise is broken, or if nothing was checked.
    expect(keepsPromises({ ...result, images: 0 }, maxResidueBytes)).toBe(false);
    expect(keepsPromises({ ...result, tilesLost: 1 }, maxResidueBytes)).toBe(false);
    expect(keepsPromises({ ...result, imagesNotDone: 1 }, maxResidueBytes)).toBe(false);
    expect(keepsPromises({ ...result, faults: ['a stray file: a.png'] }, maxResidueBytes)).toBe(false);
    expect(keepsPromises({ ...result, residueBytes: maxResidueBytes + 1 }, maxResidueBytes)).toBe(false);
  });

  test.runIf(isFull)('of the naive queue reports what it lost', async () => {
    const result = await Soak.run({ ...size, ...rest, mode: 'naive' });
    expect(result.tilesLost).toBeGreaterThan(0);
    expect(result.imagesNotDone).toBeGreaterThan(0);
    expect(keepsPromises(result, Infinity)).toBe(false);
  });
});
