import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name }));
const names = (all: { name: string }[]) => all.map(({ name }) => name).join('');

describe('the next turn', () => {
  it('has all if there are few', () => {
    const turns = new Turns<{ name: string }>();
    for (let turn = 0; turn < 3; turn++) expect(names(turns.next([a, b], 2))).toBe('ab');
  });

  it('has those that were not there for the longest time, so that each one has its turn', () => {
    const turns = new Turns<{ name: string }>();
    const all = [a, b, c, d, e];
    expect([1, 2, 3, 4, 5].map(() => names(turns.next(all, 2)))).toEqual(['ab', 'cd', 'ea', 'bc', 'da']);
  });

  it('has new ones first', () => {
    const turns = new Turns<{ name: string }>();
    turns.next([a, b, c], 2);
    expect(names(turns.next([a, b, c, d, e], 3))).toBe('cde');
  });
});
