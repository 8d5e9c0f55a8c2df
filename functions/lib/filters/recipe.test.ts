import { describe, expect, it } from 'vitest';
import { readValue } from './filter.ts';
import { formatRecipe, haloOf, parametersOf, parseRecipe } from './recipe.ts';
import { filterNames, filters } from './registry.ts';
import { sharpen } from './sharpen.ts';

describe('the recipe of a blur', () => {
  it('is its kernel size, as in records and ids of earlier releases', () =>
    expect(formatRecipe({ filter: 'blur', values: { kernel: 15 } })).toBe('15'));

  it('is read back', () => expect(parseRecipe('15')).toEqual({ filter: 'blur', values: { kernel: 15 } }));
  it('has a halo as wide as the radius of its kernel', () => expect(haloOf(parseRecipe('15'))).toBe(7));
  it('is requested by its kernel only', () => expect(parametersOf('15')).toEqual({ kernel: 15 }));
});

describe('the recipe of a sharpening', () => {
  const recipe = { filter: 'sharpen', values: { kernel: 9, amount: 1.5 } } as const;

  it('names its filter and its values', () => expect(formatRecipe(recipe)).toBe('sharpen:9:1.5'));
  it('is read back', () => expect(parseRecipe('sharpen:9:1.5')).toEqual(recipe));
  it('has a halo as wide as the radius of its kernel', () => expect(haloOf(recipe)).toBe(4));
  it('is asked for by name', () =>
    expect(parametersOf('sharpen:9:1.5')).toEqual({ filter: 'sharpen', kernel: 9, amount: 1.5 }));
});

describe.each(filterNames)('the parameters of %s', (filter) => {
  const { parameters } = filters[filter];

  it('have defaults that are allowed', () => {
    for (const parameter of Object.values(parameters))
      expect(readValue(parameter, parameter.fallback)).toBe(parameter.fallback);
  });

  it('have names of their own', () => {
    for (const name of Object.keys(parameters))
      expect(['name', 'filter', 'input', 'after']).not.toContain(name);
  });
});

describe("a sharpening's amount", () => {
  const { amount } = sharpen.parameters;

  it.each<[unknown, number]>([
    ['1', 1],
    ['0.01', 0.01],
    ['1.50', 1.5],
    ['10', 10],
    [2.25, 2.25],
    [0.07, 0.07],
  ])('may be %j', (given, value) => expect(readValue(amount, given)).toBe(value));

  it.each(['', '0', '0.00', '-1', '10.01', '1.005', '1e1', '.5', '1.', ' 1', '1,5', 'NaN', '100'])(
    'cannot be %j',
    (given) => expect(readValue(amount, given)).toBeNull(),
  );

  it.each([0, -0, -1, 10.01, 1.005, NaN, Infinity, null, true, [[1]], {}])('cannot be %s in JSON', (given) =>
    expect(readValue(amount, given)).toBeNull(),
  );
});

describe('a recipe that this release does not know', () => {
  const unknown = [
    '',
    '0',
    '14',
    '257',
    '15:',
    '15:3',
    'NaN',
    'emboss',
    'emboss:3',
    'constructor:15',
    ':15',
    'sharpen:9',
    'sharpen:9:11',
    'sharpen:9:1:2',
  ];

  it.each(unknown)('%j is named in the error', (text) =>
    expect(() => parseRecipe(text)).toThrow(`there is no filter for the recipe ${JSON.stringify(text)}`),
  );

  it('is shown unchanged', () => expect(parametersOf('emboss:3')).toEqual({ filter: 'emboss:3' }));
});
