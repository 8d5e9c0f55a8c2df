import { describe, expect, it } from 'vitest';
import { inputRequestOf, nameOf, queryOf, targetOf, uploadRequestOf } from './requests.ts';
import { codeOf } from '../testing/problem-code.ts';

it.each([
  ['/', '/', ''],
  ['/?a=b?c', '/', 'a=b?c'],
  ['//x', '//x', ''],
  ['http://split.example/images?x', '/images', 'x'],
  ['*', '*', ''],
])('splits the target %j', (url, path, query) => expect(targetOf(url)).toEqual({ path, query }));

describe('queryOf', () => {
  const read = (query: string) => queryOf(query, ['name', 'kernel']);

  it.each([
    ['', {}],
    ['&&', {}],
    ['name=a%20b+c.png&kernel=3', { name: 'a b c.png', kernel: '3' }],
    ['name=%E7%85%A7.png', { name: '照.png' }],
    ['kernel=3&kernel=5', { kernel: ['3', '5'] }],
    ['name=', { name: '' }],
  ])('reads %j', (query, values) => expect(read(query)).toEqual(values));

  it.each([
    'x',
    'nmae=a',
    'name[]=a',
    'kernel[a]=3',
    'kernel%5Ba%5D=3',
    'Name=a',
    '__proto__=a',
    ' name=a',
    '=a',
  ])('refuses %j', (query) => expect(codeOf(() => read(query))).resolves.toBe('invalid-request'));

  it('says what is allowed', () => {
    expect(() => read('x=1')).toThrow('The query has "x"; only "name", "kernel" are allowed.');
    expect(() => queryOf('x=1', ['wait'])).toThrow('The query has "x"; only "wait" is allowed.');
    expect(() => queryOf('kernel=3', [], 'a JSON request')).toThrow(
      'The query has "kernel"; a JSON request takes no query parameters.',
    );
  });
});

describe('uploadRequestOf', () => {
  const read = (query: string) => uploadRequestOf(query, { kernel: 7 });

  it.each([
    ['', null, '7'],
    ['name=a.png', 'a.png', '7'],
    ['kernel=1&name=a.png', 'a.png', '1'],
    ['name=a.png&kernel=255', 'a.png', '255'],
    ['name=a.png&filter=blur', 'a.png', '7'],
    ['name=a.png&filter=blur&kernel=015', 'a.png', '15'],
    ['name=a.png&filter=sharpen', 'a.png', 'sharpen:7:1'],
    ['amount=1.50&filter=sharpen&kernel=9', null, 'sharpen:9:1.5'],
  ])('reads %j', (query, name, recipe) => expect(read(query)).toEqual({ name, recipe, format: 'png' }));

  it.each(['', '0', '4', '-3', '257', '1e1', 'NaN', '3.0', ' 3', '3&kernel=5', '0003'])(
    'refuses kernel=%s',
    (kernel) => expect(codeOf(() => read(`kernel=${kernel}`))).resolves.toBe('invalid-kernel'),
  );

  it.each(['', 'Blur', 'blurred', 'constructor', '__proto__', '15', 'blur&filter=blur', 'blur:15'])(
    'refuses filter=%s',
    (filter) => expect(codeOf(() => read(`filter=${filter}`))).resolves.toBe('invalid-filter'),
  );

  it.each(['x', 'nmae=a', 'kernel[]=3', 'filter=blur&x=1', 'amount=1', '__proto__=a'])(
    'refuses %j, which no filter has',
    (query) => expect(codeOf(() => read(query))).resolves.toBe('invalid-request'),
  );

  it.each(['', '0', '11', '1&amount=2', '1.005'])('refuses an amount of %s', (amount) =>
    expect(codeOf(() => read(`filter=sharpen&amount=${amount}`))).resolves.toBe('invalid-filter'),
  );

  it('says what is allowed', () => {
    expect(() => read('kernel=4')).toThrow('The kernel is "4"; an odd integer from 1 to 255 is required.');
    expect(() => read('x=1')).toThrow(
      'The query has "x"; only "name", "filter", "kernel", "format", "quality" are allowed.',
    );
  });
});

describe('nameOf', () => {
  it('is null if none was given', () => expect(nameOf(undefined)).toBe(null));

  it.each(['a', 'cat.png', 'é 照.png', 'x'.repeat(255)])('accepts %j', (name) =>
    expect(nameOf(name)).toBe(name),
  );

  it.each(['', '.', '..', 'a/b', '../x', '.a', 'x'.repeat(256), ['a', 'b'], 'a\0'])('refuses %j', (name) =>
    expect(codeOf(() => nameOf(name))).resolves.toBe('invalid-name'),
  );
});

describe('inputRequestOf', () => {
  const read = (text: string) => inputRequestOf(Buffer.from(text), { kernel: 15 });

  it.each([
    ['{}', '', '15'],
    ['{"input":"cats/","kernel":21}', 'cats', '21'],
    ['{"input":"./a.png"}', 'a.png', '15'],
    ['{"input":"a\\"b:c"}', 'a"b:c', '15'],
    [' { "kernel" : "21" } ', '', '21'],
    ['{"filter":"blur"}', '', '15'],
    ['{"filter":"sharpen","amount":1.5}', '', 'sharpen:15:1.5'],
    ['{"filter":"sharpen","kernel":"3","amount":"2"}', '', 'sharpen:3:2'],
  ])('reads %j', (text, input, recipe) =>
    expect(read(text)).toEqual({ input, recipe, format: 'png', after: '' }),
  );

  it('reads where to continue', () =>
    expect(read('{"input":"cats","after":"cats/tom.png"}')).toMatchObject({ after: 'cats/tom.png' }));

  it.each<[string, string]>([
    ['', 'invalid-request'],
    ['{', 'invalid-request'],
    ['"input"', 'invalid-request'],
    ['{}{}', 'invalid-request'],
    ['{"input":null}', 'invalid-request'],
    ['{"input":["a"]}', 'invalid-request'],
    ['{"input":"a","input":"b"}', 'invalid-request'],
    ['{"kernel":5,"kernel" :7}', 'invalid-request'],
    ['{"input":"a","\\u0069nput":"b"}', 'invalid-request'],
    ['{"__proto__":{"input":"a"}}', 'invalid-request'],
    ['{"constructor":1}', 'invalid-request'],
    ['{"after":7}', 'invalid-request'],
    ['{"kernel":1e999}', 'invalid-kernel'],
    ['{"kernel":-0}', 'invalid-kernel'],
    ['{"kernel":9007199254740993}', 'invalid-kernel'],
    ['{"kernel":null}', 'invalid-kernel'],
    ['{"kernel":{"a":3}}', 'invalid-kernel'],
    ['{"filter":"sharpen","amount":null}', 'invalid-filter'],
    ['{"filter":null}', 'invalid-filter'],
    ['{"filter":"Blur"}', 'invalid-filter'],
    ['{"filter":["blur"]}', 'invalid-filter'],
    ['{"filter":{"a":"blur"}}', 'invalid-filter'],
    ['{"filter":"blur","filter":"blur"}', 'invalid-request'],
    ['{"filter":"blur","amount":1}', 'invalid-request'],
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
  ])('refuses %j', (text, code) => expect(codeOf(() => read(text))).resolves.toBe(code));

  it.each<[string, string, string]>([
    ['input', 'arrays', '['.repeat(30_000) + ']'.repeat(30_000)],
    ['kernel', 'objects', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
    ['other', 'arrays', '['.repeat(30_000) + ']'.repeat(30_000)],
  ])('refuses the field %j of %s nested deeply', (field, _what, value) =>
    expect(codeOf(() => read(`{"${field}":${value}}`))).resolves.toMatch(/^invalid-/),
  );

  it('lists a few of many unknown fields', () => {
    const fields = Array.from({ length: 5000 }, (_, at) => `"field${at}":0`).join(',');
    expect(() => read(`{${fields}}`)).toThrow(
      'The body has "field0", "field1", "field2" and 4997 more; only "input", "filter", "kernel", "format", "quality", "after" are allowed.',
    );
  });
});

describe('the format of a result', () => {
  const upload = (query: string) => uploadRequestOf(query, { kernel: 7 }).format;
  const input = (fields: object) => inputRequestOf(Buffer.from(JSON.stringify(fields)), { kernel: 7 }).format;

  it.each([
    [{}, 'png'],
    [{ format: 'png' }, 'png'],
    [{ format: 'jpeg' }, 'jpeg:85'],
    [{ format: 'jpeg', quality: 1 }, 'jpeg:1'],
    [{ quality: '100', format: 'jpeg' }, 'jpeg:100'],
  ])('is read from %j', (fields, format) => {
    expect(input(fields)).toBe(format);
    const query = Object.entries(fields).map((each) => each.join('='));
    expect(upload(query.join('&'))).toBe(format);
  });

  it.each([
    ['format=', 'The format is ""; one of png, jpeg is required.'],
    ['format=JPEG', 'The format is "JPEG"; one of png, jpeg is required.'],
    ['format=png&format=png', 'The format is ["png","png"]; one of png, jpeg is required.'],
    ['quality=80', 'A quality is given, but the format is png; only jpeg has one.'],
    ['format=jpeg&quality=0', 'The quality is "0"; an integer from 1 to 100 is required.'],
    ['format=jpeg&quality=101', 'The quality is "101"; an integer from 1 to 100 is required.'],
    ['format=jpeg&quality=', 'The quality is ""; an integer from 1 to 100 is required.'],
  ])('is refused in %j', async (query, message) => {
    expect(() => upload(query)).toThrow(message);
    expect(await codeOf(() => upload(query))).toBe('invalid-format');
  });

  it.each([
    { format: null },
    { format: ['jpeg'] },
    { format: 'jpeg', quality: 1.5 },
    { format: 'jpeg', quality: null },
  ])('is refused as the JSON %j', async (fields) =>
    expect(await codeOf(() => input(fields))).toBe('invalid-format'),
  );
});
