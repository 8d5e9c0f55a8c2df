import { describe, expect, it } from 'vitest';
import { formatRecipe, haloOf, parametersOf, parseRecipe } from './recipe.ts';

describe('the recipe of a blur', () => {
  it('is the size of its kernel, as records and ids of earlier releases have it', () =>
    expect(formatRecipe({ filter: 'blur', values: { kernel: 15 } })).toBe('15'));

  it('is read back', () => expect(parseRecipe('15')).toEqual({ filter: 'blur', values: { kernel: 15 } }));
  it('has the radius of its kernel for a halo', () => expect(haloOf(parseRecipe('15'))).toBe(7));
  it('is asked for by its kernel alone', () => expect(parametersOf('15')).toEqual({ kernel: 15 }));
});

describe('a recipe that this release does not know', () => {
  const unknown = ['', '0', '14', '257', '15:', '15:3', 'NaN', 'emboss', 'emboss:3', 'constructor:15', ':15'];

  it.each(unknown)('%j is named', (text) =>
    expect(() => parseRecipe(text)).toThrow(`there is no filter for the recipe ${JSON.stringify(text)}`),
  );

  it('is shown as it is', () => expect(parametersOf('emboss:3')).toEqual({ filter: 'emboss:3' }));
});
