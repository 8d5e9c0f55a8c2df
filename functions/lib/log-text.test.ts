import { expect, it } from 'vitest';
import { logText } from './log-text.ts';

const line = { time: '2026-01-02T03:04:05.678Z', severity: 'INFO', component: 'split', message: 'Split' };

it('shows the time, what happened, and the fields behind it', () => {
  const text = logText({ ...line, imageId: 'abc', tiles: 12, name: 'a b.png', nested: { a: [1] } }, false);
  expect(text).toMatch(
    /^\d\d:\d\d:05\.678 INFO {4}split {4}Split {2}imageId=abc {2}tiles=12 {2}name="a b\.png" {2}nested=\{"a":\[1\]\}$/,
  );
});

it('shows a stack below, one frame a line', () => {
  const text = logText({ ...line, stack: 'Error: it broke\n    at a\nLogged\n    at b' }, false);
  expect(text.split('\n').slice(1)).toEqual([
    '    Error: it broke',
    '        at a',
    '    Logged',
    '        at b',
  ]);
});

it('colours warnings and errors, and nothing without colours', () => {
  expect(logText({ ...line, severity: 'ERROR' }, true)).toContain('\x1b[31m');
  expect(logText({ ...line, severity: 'WARNING' }, true)).toContain('\x1b[33m');
  expect(logText({ ...line, severity: 'ERROR' }, false)).not.toContain('\x1b');
});

it.each(['\x1b[2J', 'two\nlines', '\u202egnp.exe', '\u2028', '\x9b31m'])(
  'lets no control character of %j reach the terminal',
  (hostile) => {
    const text = logText({ ...line, message: hostile, stack: `at ${hostile}`, name: hostile }, false);
    expect(text.replaceAll('\n', '')).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]+$/u);
  },
);

it('shows names as people write them', () => {
  expect(logText({ ...line, name: '照片.png' }, false)).toContain('name="照片.png"');
});
