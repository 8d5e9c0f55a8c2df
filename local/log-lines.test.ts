import { describe, expect, it } from 'vitest';
import { logPrinter, shortLogLine } from './log-lines.ts';

describe('a line of a log', () => {
  it.each([
    [
      '{"severity":"error","message":"Requests fail","error":"Error: ENOSPC","stack":"at a"}',
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
  const line = '{"severity":"error","message":"Requests fail","stack":"at a"}';

  it('are printed in short, each once', () => {
    const printed: string[] = [];
    const print = logPrinter((text) => printed.push(text), {});
    for (const name of ['assemble', 'assemble', 'blur']) print(name, line);
    expect(printed).toEqual(['assemble: Requests fail', 'blur: Requests fail']);
  });

  it('are printed whole where LOG_LEVEL asks for them', () => {
    const printed: string[] = [];
    const print = logPrinter((text) => printed.push(text), { LOG_LEVEL: 'debug' });
    print('assemble', line);
    print('assemble', line);
    expect(printed).toEqual([line, line]);
  });
});
