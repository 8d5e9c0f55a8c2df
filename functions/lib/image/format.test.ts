import { describe, expect, test } from 'vitest';
import { findFormat, formatParameters, formatText, parseFormat, readQuality } from './format.ts';

describe('the text of a format', () => {
  test.each([
    ['png', { name: 'png' }, {}],
    ['jpeg:85', { name: 'jpeg', quality: 85 }, { format: 'jpeg', quality: 85 }],
    ['jpeg:1', { name: 'jpeg', quality: 1 }, { format: 'jpeg', quality: 1 }],
    ['jpeg:100', { name: 'jpeg', quality: 100 }, { format: 'jpeg', quality: 100 }],
  ] as const)('%s is read and written', (text, format, parameters) => {
    expect(parseFormat(text)).toEqual(format);
    expect(formatText(format)).toBe(text);
    expect(formatParameters(text)).toEqual(parameters);
  });

  test.each(['', 'PNG', 'jpeg', 'jpeg:', 'jpeg:0', 'jpeg:101', 'jpeg:85:1', 'webp:80', 'png:85'])(
    '%j of another release is refused',
    (text) => expect(() => parseFormat(text)).toThrow(`there is no format ${JSON.stringify(text)}`),
  );
});

test('a format is found by its exact name', () => {
  expect(['png', 'jpeg', 'jpg', 'JPEG', '', 1, null, ['png']].map(findFormat)).toEqual([
    'png',
    'jpeg',
    ...Array<null>(6).fill(null),
  ]);
});

test('a quality is an integer from 1 to 100, as a number or as digits', () => {
  const given = [
    1,
    100,
    '1',
    '85',
    '085',
    0,
    101,
    1.5,
    -1,
    NaN,
    '',
    ' 85',
    '8e1',
    '0x10',
    null,
    true,
    [85],
    {},
  ];
  expect(given.map(readQuality)).toEqual([1, 100, 1, 85, 85, ...Array<null>(13).fill(null)]);
});
