import { expect, it } from 'vitest';
import { MAX_PROBLEM_BYTES, Problem, problemBody, problems, type ProblemCode } from './errors.ts';

it('shows a caller the code, the status and the detail of a problem', () => {
  expect(problemBody(new Problem('invalid-kernel', 'The kernel is 4.'))).toEqual({
    type: 'urn:tessera:problem:invalid-kernel',
    title: 'The kernel size is not an odd integer from 1 to 255',
    status: 400,
    code: 'invalid-kernel',
    detail: 'The kernel is 4.',
  });
});

it('does not show the cause', () => {
  const problem = new Problem('queue-unavailable', 'Away.', { cause: new Error('password=hunter2') });
  expect(JSON.stringify(problemBody(problem))).not.toContain('hunter2');
});

it('shows nothing of an unknown fault', () => {
  expect(problemBody(new Error('secret path /etc'))).toMatchObject({ status: 500, code: 'internal' });
  expect(JSON.stringify(problemBody(new Error('secret path /etc')))).not.toContain('secret');
});

it.each<[what: string, repeated: string]>([
  ['letters', 'x'.repeat(100_000)],
  ['letters of three bytes', '照'.repeat(5000)],
  ['pairs of surrogates', '🖼'.repeat(5000)],
  ['half pairs', '\ud83d'.repeat(5000)],
  ['control characters', '\0'.repeat(5000)],
  ['quotes', '"\\'.repeat(5000)],
])('shortens a document that repeats many %s, and cuts no character in the middle', (_what, repeated) => {
  for (const code of Object.keys(problems) as ProblemCode[]) {
    for (let start = 0; start < 8; start++) {
      const body = problemBody(new Problem(code, 'a'.repeat(start) + repeated));
      const bytes = Buffer.byteLength(`${JSON.stringify(body)}\n`);
      expect(bytes).toBeLessThanOrEqual(MAX_PROBLEM_BYTES);
      expect(bytes).toBeGreaterThan(MAX_PROBLEM_BYTES - 16);
      expect(body.detail.endsWith('…')).toBe(true);
      expect('a'.repeat(start) + repeated).toContain(body.detail.slice(0, -1));
      expect(body.detail.isWellFormed()).toBe(repeated.isWellFormed());
    }
  }
});

it('does not change a detail that just fits', () => {
  const room =
    MAX_PROBLEM_BYTES - 1 - Buffer.byteLength(JSON.stringify(problemBody(new Problem('conflict', ''))));
  expect(problemBody(new Problem('conflict', 'x'.repeat(room))).detail).toBe('x'.repeat(room));
  expect(problemBody(new Problem('conflict', 'x'.repeat(room + 1))).detail).toBe(`${'x'.repeat(room - 3)}…`);
});
