// The states of a tile, as `GET /images/<id>/tiles` writes them: a letter, a capital one if the tile was claimed more than once.

export type TileState = 'none' | 'queued' | 'inFlight' | 'waiting' | 'done' | 'dead';

const letters: Record<string, TileState> = {
  '-': 'none',
  q: 'queued',
  i: 'inFlight',
  w: 'waiting',
  d: 'done',
  x: 'dead',
};

/** The names of the states, in the order of the legend. */
export const tileWords: [state: TileState, words: string][] = [
  ['done', 'done'],
  ['inFlight', 'in flight'],
  ['queued', 'queued'],
  ['waiting', 'waiting to be tried again'],
  ['dead', 'given up'],
  ['none', 'not cut yet'],
];

export function tileState(letter: string): TileState {
  return letters[letter.toLowerCase()] ?? 'none';
}

export function isRetried(letter: string): boolean {
  return letter !== letter.toLowerCase();
}

export interface TileCounts {
  states: Record<TileState, number>;
  retried: number;
}

export function countTiles(tiles: string): TileCounts {
  const states = { none: 0, queued: 0, inFlight: 0, waiting: 0, done: 0, dead: 0 };
  let retried = 0;
  for (const letter of tiles) {
    states[tileState(letter)]++;
    if (isRetried(letter)) retried++;
  }
  return { states, retried };
}

/** Returns the counts as a sentence, for people who cannot see the mosaic. */
export function describeTiles({ states, retried }: TileCounts): string {
  const parts = tileWords
    .filter(([state]) => states[state] > 0)
    .map(([state, words]) => `${states[state]} ${words}`);
  if (retried > 0) parts.push(`${retried} tried more than once`);
  return parts.join(', ');
}
