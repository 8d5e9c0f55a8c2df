import { describe, expect, it } from 'vitest';
import { logPrinter, shortLogLine } from './log-lines.ts';

describe('a line of a log', () => {
  it.each([
    [
      '{"severity":"ERROR","message":"Requests fail","error":"Error: ENOSPC","stack":"at a"}',
      'Requests fail: Error: ENOSPC',
    ],
    ['{"message":"Listening"}', 'Listening'],
    ['{"message":"Bad","error":"Invalid settings:\\n  A\\n  B"}', 'Bad: Invalid settings: A B'],
    ['{"other":1}', '{"other":1}'],
    ['null', 'null'],
    ['Segmentation fault', 'Segmentation fault'],
  ])('%j is shown as %j', (line, shown) => expect(shortLogLine(line)).toBe(shown));
});

describe('the lines of functions', () => {
  const line = '{"severity":"ERROR","message":"Requests fail","stack":"at a"}';

  it('are printed in short, each once', () => {
    const printed: string[] = [];
    const print = logPrinter((text) => printed.push(text), {}, true);
    for (const name of ['assemble', 'assemble', 'blur']) print(name, line);
    expect(printed).toEqual(['assemble: Requests fail', 'blur: Requests fail']);
  });

  it('are printed whole where LOG_LEVEL asks for them', () => {
    const printed: string[] = [];
    const print = logPrinter((text) => printed.push(text), { LOG_LEVEL: 'debug' }, false);
    print('assemble', line);
    print('assemble', line);
    expect(printed).toEqual([line, line]);
  });

  const full = `{"time":"2026-01-02T03:04:05.678Z","component":"blur",${line.slice(1)}`;
  it.each([
    ['as text in a terminal', { LOG_FORMAT: '' }, true],
    ['as text where LOG_FORMAT asks for it', { LOG_FORMAT: 'text' }, false],
  ])('are printed %s', (_how, env, isTerminal) => {
    const printed: string[] = [];
    const print = logPrinter(
      (text) => printed.push(text),
      { LOG_LEVEL: 'debug', NO_COLOR: '1', ...env },
      isTerminal,
    );
    print('blur', full);
    print('blur', 'Segmentation fault');
    expect(printed).toEqual([
      expect.stringMatching(/^\d\d:\d\d:05\.678 ERROR {3}blur {5}Requests fail\n {4}at a$/),
      'Segmentation fault',
    ]);
  });

  it('are printed as JSON in a terminal where LOG_FORMAT asks for it', () => {
    const printed: string[] = [];
    logPrinter((text) => printed.push(text), { LOG_LEVEL: 'debug', LOG_FORMAT: 'json' }, true)('blur', full);
    expect(printed).toEqual([full]);
  });
});
