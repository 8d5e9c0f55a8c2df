import { describe, expect, it } from 'vitest';
import { Problem } from '../lib/errors.ts';
import { inputRequestOf, kernelOf, nameOf } from './requests.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('kernelOf', () => {
  it.each<[unknown, number]>([
    [undefined, 15],
    ['1', 1],
    ['255', 255],
    [21, 21],
  ])('reads %j', (value, size) => expect(kernelOf(value, 15)).toBe(size));

  it.each(['', '0', '4', '-3', '257', '1e1', 'NaN', '3.0', ' 3', ['3', '5'], {}, null, NaN, 2])(
    'refuses %j',
    (value) => expect(codeOf(() => kernelOf(value, 15))).toBe('invalid-kernel'),
  );
});

describe('nameOf', () => {
  const bytes = Buffer.from('abc');

  it('names bytes without a name by their SHA-256', () =>
    expect(nameOf(undefined, bytes)).toBe('ba7816bf8f01'));

  it.each(['a', 'cat.png', 'é 照.png', 'x'.repeat(255)])('accepts %j', (name) =>
    expect(nameOf(name, bytes)).toBe(name),
  );

  it.each(['', '.', '..', 'a/b', '../x', '.a', 'x'.repeat(256), ['a', 'b'], 'a\0'])('refuses %j', (name) =>
    expect(codeOf(() => nameOf(name, bytes))).toBe('invalid-name'),
  );
});

describe('inputRequestOf', () => {
  const read = (text: string) => inputRequestOf(Buffer.from(text), 15);

  it.each<[string, string, number]>([
    ['', '', 15],
    ['{}', '', 15],
    ['{"input":"cats/","kernel":21}', 'cats', 21],
    ['{"input":"./a.png"}', 'a.png', 15],
  ])('reads %j', (text, input, kernelSize) => expect(read(text)).toEqual({ input, kernelSize }));

  it.each<[string, string]>([
    ['{', 'invalid-request'],
    ['[]', 'invalid-request'],
    ['null', 'invalid-request'],
    ['{"input":5}', 'invalid-request'],
    ['{"path":"a"}', 'invalid-request'],
    ['{"input":"../etc"}', 'invalid-name'],
    ['{"input":"/etc/passwd"}', 'invalid-name'],
    ['{"input":"a//b"}', 'invalid-name'],
    ['{"input":""}', 'invalid-name'],
    [`{"input":"${'/'.repeat(100_000)}x"}`, 'invalid-name'],
    ['{"kernel":"x"}', 'invalid-kernel'],
  ])('refuses %j', (text, code) => expect(codeOf(() => read(text))).toBe(code));
});
