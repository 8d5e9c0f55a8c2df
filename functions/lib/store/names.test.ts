import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors.ts';
import { isImageFile, pathFault, readName, readPath } from './names.ts';

/** Letters of one to four bytes. */
const letter = fc.constantFrom('a', 'é', '照', '🖼');

function told(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Problem) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('readName', () => {
  it.each([
    'cat.png',
    'no extension',
    '照片.png',
    'été à la plage (1).jpg',
    'фото.jpg',
    'صورة.png',
    '👩‍👩‍👧.png',
    'a:b*?[c]{d}|"\'<>\\&%20+=;,~#.png',
    ' spaces around ',
    'two..dots',
    'x'.repeat(255),
    '照'.repeat(85),
  ])('keeps %j', (name) => expect(readName(name)).toBe(name));

  it('normalises a decomposed name', () =>
    expect(readName('été.jpg'.normalize('NFD'))).toBe('été.jpg'.normalize('NFC')));

  it.each([
    ['', 'is empty'],
    ['.', 'begins with a dot'],
    ['..', 'begins with a dot'],
    ['.hidden.png', 'begins with a dot'],
    ['a/b.png', 'has a slash'],
    ['../x', 'begins with a dot'],
    ['a\0.png', 'has a control character'],
    ['a\n.png', 'has a control character'],
    ['a\u007f.png', 'has a control character'],
    ['a\u0085.png', 'has a control character'],
    ['a\u2028.png', 'has a control character'],
    ['photo\u202egnp.exe', 'has a control character'],
    ['a\u2066.png', 'has a control character'],
    ['a\ufffd.png', 'is not UTF-8'],
    ['a\ud83d.png', 'is not UTF-8'],
    ['x'.repeat(256), 'has 256 bytes, more than 255'],
    ['照'.repeat(86), 'has 258 bytes, more than 255'],
    ['e' + '\u0301\u0316'.repeat(50_000), 'has 200001 bytes, more than 255'],
  ])('refuses %j and says why', (name, why) =>
    expect(told(() => readName(name))).toContain(
      `invalid-name: The name cannot be used because it ${why}: "`,
    ),
  );
});

describe('readPath', () => {
  it.each([
    ['cats', 'cats'],
    ['cats/', 'cats'],
    ['./cats/tom.png', 'cats/tom.png'],
    ['été/à la plage'.normalize('NFD'), 'été/à la plage'.normalize('NFC')],
    [Array(32).fill('d').join('/'), Array(32).fill('d').join('/')],
  ])('reads %j', (text, path) => expect(readPath(text)).toBe(path));

  it.each([
    '',
    '/',
    './',
    '.',
    '..',
    '../cats',
    'cats/..',
    'cats/../..',
    '/etc/passwd',
    'a//b',
    'a//',
    'a/./b',
    '.git/config',
    'a/.hidden/b',
    'a\0b',
    Array(33).fill('d').join('/'),
    Array(9).fill('x'.repeat(255)).join('/'),
    `${'/'.repeat(100_000)}x`,
    `x${'/'.repeat(100_000)}`,
  ])('refuses %j', (text) => expect(told(() => readPath(text))).toMatch(/^invalid-name: The path/));

  it('reads back every path that it returned', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(letter, fc.constantFrom('/', '.', '\0', '\u0301')) }),
        (text) => {
          const path = told(() => readPath(text)) as string;
          fc.pre(!path.startsWith('invalid-name: '));
          expect(readPath(path)).toBe(path);
          expect(pathFault(path)).toBeNull();
        },
      ),
    );
  });
});

it.each([
  ['a.png', true],
  ['A.JPG', true],
  ['a.jpeg', true],
  ['a.jfif', true],
  ['a.webp', false],
  ['png', false],
  ['a_blurred.png', true],
])('recognises %j as an image: %j', (name, expected) => expect(isImageFile(name)).toBe(expected));
