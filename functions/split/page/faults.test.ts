import { describe, expect, it } from 'vitest';
import { problems } from '../../lib/errors.ts';
import { Away, faultOf, Refusal, words } from './faults.ts';

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ code, title: 'A title', detail: 'The detail.', status }), {
    status,
    headers,
  });

describe('the fault of a response', () => {
  it('is said in plain words, with the detail beside them', async () => {
    const fault = await faultOf(problem(422, 'invalid-image'));
    expect(fault).toMatchObject({
      message: 'This file is damaged: it cannot be read as a picture.',
      detail: 'The detail.',
      isForNow: false,
    });
  });

  it('is the title for a code without words of its own', async () => {
    expect((await faultOf(problem(400, 'brand-new'))).message).toBe('A title.');
  });

  it('passes if split is full, after the time that it says', async () => {
    const fault = await faultOf(problem(429, 'over-budget', { 'retry-after': '7' }));
    expect(fault).toMatchObject({ isForNow: true, retryAfterS: 7 });
  });

  it.each([502, 503, 504])('is that split is away for HTTP %i', async (status) => {
    expect(await faultOf(new Response('', { status }))).toBeInstanceOf(Away);
  });

  it('is a refusal with the status for an answer that is no problem document', async () => {
    const fault = await faultOf(new Response('<h1>Not here</h1>', { status: 403 }));
    expect(fault).toBeInstanceOf(Refusal);
    expect(fault.message).toBe('The answer was HTTP 403.');
  });
});

it('has words only for codes that split sends', () => {
  expect(Object.keys(problems)).toEqual(expect.arrayContaining(Object.keys(words)));
});
