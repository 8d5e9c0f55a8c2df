import { describe, expect, it } from 'vitest';
import { beginning, columnsOf, pathInColumns } from './columns.ts';

it.each([
  ['', 0],
  ['photo.png', 9],
  ['été', 3],
  ['été'.normalize('NFD'), 3],
  ['照片.png', 8],
  ['한국어', 6],
  ['фото', 4],
  ['👍.png', 6],
])('%j takes %i columns', (text, columns) => expect(columnsOf(text)).toBe(columns));

describe('pathInColumns', () => {
  it.each([
    ['abc', 5, 'abc  '],
    ['in/abc.png', 7, '…bc.png'],
    ['照片照片', 8, '照片照片'],
    ['照片照片', 7, '…片照片'],
    ['照片照片', 6, '…照片 '],
    ['👍👍👍', 5, '…👍👍'],
    ['é.png'.normalize('NFD'), 5, 'é.png'.normalize('NFD')],
    ['é.png'.normalize('NFD') + 's', 6, 'é.pngs'.normalize('NFD')],
    ['aé.png'.normalize('NFD'), 5, '….png'],
  ])('puts %j into %i columns', (text, columns, expected) =>
    expect(pathInColumns(text, columns)).toBe(expected),
  );
});

it('keeps the beginning that fits, in whole characters', () => {
  expect(beginning('照片.png', 3)).toBe('照');
  expect(beginning('照片.png', 100)).toBe('照片.png');
});
