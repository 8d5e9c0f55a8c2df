import { expect, it } from 'vitest';
import { Problem, problemBody } from './errors.ts';

it('tells a caller the code, the status and the detail of a problem', () => {
  expect(problemBody(new Problem('invalid-kernel', 'The kernel is 4.'))).toEqual({
    type: 'urn:tessera:problem:invalid-kernel',
    title: 'The kernel size is not an odd integer from 1 to 255',
    status: 400,
    code: 'invalid-kernel',
    detail: 'The kernel is 4.',
  });
});

it('tells nothing of the cause', () => {
  const problem = new Problem('queue-unavailable', 'Away.', { cause: new Error('password=hunter2') });
  expect(JSON.stringify(problemBody(problem))).not.toContain('hunter2');
});

it('tells nothing of a fault it does not know', () => {
  expect(problemBody(new Error('secret path /etc'))).toMatchObject({ status: 500, code: 'internal' });
  expect(JSON.stringify(problemBody(new Error('secret path /etc')))).not.toContain('secret');
});
