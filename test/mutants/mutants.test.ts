import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { plant } from './mutant.ts';

describe('the planted faults', () => {
  test('are many, and each has a different name', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(20);
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });

  test.each(mutants)('can be planted: $name', (mutant) => {
    const text = readFileSync(new URL(`../../functions/lib/queue/${mutant.file}`, import.meta.url), 'utf8');
    expect(plant(mutant, text)).not.toBe(text);
  });
});

describe('plant', () => {
  const mutant = { name: 'none', file: 'x.lua', find: 'a', replace: '$&b', why: '' };

  test('replaces the text literally', () => {
    expect(plant(mutant, 'cat')).toBe('c$&bt');
  });

  test('refuses a text that is missing or occurs twice', () => {
    expect(() => plant(mutant, 'dog')).toThrow('"none" does not apply: its text is 0 times in x.lua');
    expect(() => plant(mutant, 'a cat')).toThrow('its text is 2 times');
  });
});
