import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/problem-code.ts';
import { assertRules, treatmentFor } from './object-rules.ts';
import { uploadRequestOf } from './requests.ts';

const settings = { kernel: 15 };
/** What an upload with this query asks for. */
function treatmentAskedBy(query: string) {
  const { recipe, format } = uploadRequestOf(query, settings);
  return { recipe, format };
}
const rules = [
  { prefix: '', query: 'kernel=5' },
  { prefix: 'maps/', query: 'filter=sharpen&kernel=9&amount=2' },
  { prefix: 'maps/old/', query: 'kernel=31' },
];

describe('the recipe for an object', () => {
  it.each([
    ['the default without a rule', 'a.png', {}, [], '15'],
    ['the rule of its folder', 'maps/a.png', {}, rules, 'sharpen:9:2'],
    ['the rule with the longest prefix', 'maps/old/a.png', {}, rules, '31'],
    ['the rule for everything', 'a.png', {}, rules, '5'],
    ['the parameters in its metadata', 'a.png', { 'tessera-kernel': '21' }, [], '21'],
    ['its metadata before the rule', 'maps/a.png', { 'tessera-amount': '1.5' }, rules, 'sharpen:9:1.5'],
    ['its filter without the values of another', 'maps/a.png', { 'tessera-filter': 'blur' }, rules, '15'],
    ['no parameter in other metadata', 'a.png', { kernel: '21', 'content-type': 'image/png' }, [], '15'],
  ])('is %s', (_what, name, metadata, given, wanted) =>
    expect(treatmentFor(name, metadata, given, settings).recipe).toBe(wanted),
  );

  it.each([
    [{ 'tessera-kernel': '4' }, 'invalid-kernel'],
    [{ 'tessera-filter': 'melt' }, 'invalid-filter'],
    [{ 'tessera-amount': '2' }, 'invalid-request'],
    [{ 'tessera-colour': 'red' }, 'invalid-request'],
    [{ 'tessera-name': 'b.png' }, 'invalid-request'],
    [{ 'tessera-format': 'gif' }, 'invalid-format'],
  ])('is refused for %j', (metadata, code) =>
    expect(
      codeOf(() => treatmentFor('a.png', metadata as Record<string, string>, [], settings)),
    ).resolves.toBe(code),
  );
});

it('has the format of the rule, also with another filter', () => {
  const given = [{ prefix: '', query: 'filter=sharpen&amount=2&format=jpeg&quality=80' }];
  const { recipe, format } = treatmentFor('a.png', { 'tessera-filter': 'blur' }, given, settings);
  expect(recipe).toBe('15');
  expect(format).toBe(uploadRequestOf('format=jpeg&quality=80', settings).format);
});

it.each([
  [
    'a rule for the same filter',
    'filter=sharpen&amount=2',
    { 'tessera-filter': 'sharpen' },
    'filter=sharpen&amount=2',
  ],
  ['a rule for the default filter', 'kernel=5', { 'tessera-filter': 'blur' }, 'kernel=5'],
  [
    'the quality of the same format',
    'format=jpeg&quality=80',
    { 'tessera-format': 'jpeg' },
    'format=jpeg&quality=80',
  ],
])('keeps %s', (_what, query, metadata, wanted) =>
  expect(
    treatmentFor('a.png', metadata as Record<string, string>, [{ prefix: '', query }], settings),
  ).toMatchObject(treatmentAskedBy(wanted)),
);

it('leaves out the quality of another format', () => {
  const given = [{ prefix: '', query: 'kernel=5&format=jpeg&quality=80' }];
  const treatment = treatmentFor('a.png', { 'tessera-format': 'png' }, given, settings);
  expect(treatment).toMatchObject(treatmentAskedBy('kernel=5&format=png'));
});

describe('the rules of the settings', () => {
  it('may ask for what a request may ask for', () => {
    expect(() => assertRules({ inputRules: rules })).not.toThrow();
  });

  it.each(['kernel=4', 'filter=melt', 'colour=red'])('may not ask for %s', (query) => {
    const inputRules = [{ prefix: 'a/', query }];
    expect(() => assertRules({ inputRules })).toThrow(/^INPUT_RULES: the rule for "a\/" is wrong\. /);
  });
});
