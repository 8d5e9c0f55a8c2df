import { describe, expect, it } from 'vitest';
import { countTiles, describeTiles, isRetried, tileState } from './tile-states.ts';

describe('the letter of a tile', () => {
  it.each([
    ['-', 'none', false],
    ['q', 'queued', false],
    ['i', 'inFlight', false],
    ['w', 'waiting', false],
    ['d', 'done', false],
    ['x', 'dead', false],
    ['Q', 'queued', true],
    ['I', 'inFlight', true],
    ['W', 'waiting', true],
    ['D', 'done', true],
    ['X', 'dead', true],
    ['?', 'none', false], // From a newer release.
  ])('%s says %s, retried: %s', (letter, state, retried) => {
    expect([tileState(letter), isRetried(letter)]).toEqual([state, retried]);
  });
});

describe('the counts of tiles', () => {
  it('are complete', () => {
    const { states, retried } = countTiles('ddDIqw-X');
    expect(states).toEqual({ done: 3, inFlight: 1, queued: 1, waiting: 1, none: 1, dead: 1 });
    expect(retried).toBe(3);
  });

  it('are said without the states that no tile is in', () => {
    expect(describeTiles(countTiles('ddD'))).toBe('3 done, 1 tried more than once');
    expect(describeTiles(countTiles('qi'))).toBe('1 in flight, 1 queued');
    expect(describeTiles(countTiles(''))).toBe('');
  });
});
