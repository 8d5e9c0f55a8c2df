import { describe, expect, it } from 'vitest';
import { Problem, type ProblemCode } from '../lib/errors.ts';
import type { ImageRecord } from '../lib/queue/image-record.ts';
import { inputRequestOf, type InputRequest } from './requests.ts';
import { StoredInputs } from './stored-inputs.ts';

const everything: InputRequest = { input: '', format: 'png', recipe: '15', after: '' };
const me = { name: 'me', owner: null };
const never = new AbortController().signal;

/** A folder of ten images. `faults`: the names of bad images, with the code of the problem. */
function folder(faults: Record<string, ProblemCode> = {}, limits: { images?: number; ms?: number } = {}) {
  const names = Array.from('abcdefghij', (letter) => `${letter}.png`);
  const taken: string[] = [];
  const inputs = new StoredInputs(
    {
      config: { maxBodyBytes: 1000 },
      inputs: {
        list: async (path) => ({
          names: path === '' ? names : [path],
          skipped: Array.from({ length: 500 }, (_, at) => ({
            name: `${at}.txt`,
            reason: 'not a .png or .jpg',
          })),
        }),
        read: async () => Buffer.from('bytes'),
      },
      take: async (name) => {
        if (faults[name]) throw new Problem(faults[name], 'No.');
        taken.push(name);
        return { id: 'x', name, width: 1, height: 1, tiles: 1, state: 'blurring' } as ImageRecord;
      },
    },
    limits,
  );
  return { inputs, taken, names };
}

describe('stored inputs', () => {
  it('are taken in one after another, and a bad one is reported in its own entry', async () => {
    const { inputs, taken } = folder({ 'b.png': 'invalid-image' });
    const answer = await inputs.take(everything, me, never);
    expect(answer.images.length).toBe(10);
    expect(answer.images[1]).toMatchObject({
      name: 'b.png',
      status: 'refused',
      error: { code: 'invalid-image' },
    });
    expect(taken.length).toBe(9);
    expect(answer.next).toBeNull();
  });

  it('report what was skipped: the names of the first hundred, and the number of all', async () => {
    const { skipped } = await folder().inputs.take(everything, me, never);
    expect(skipped.count).toBe(500);
    expect(skipped.files.length).toBe(100);
    expect(skipped.files[0]).toEqual({ name: '0.txt', reason: 'not a .png or .jpg' });
  });

  it.each([
    ['so many images', { images: 3 }],
    ['so much time', { ms: -1 }],
  ])('end after %s, and the next request continues', async (_what, limits) => {
    const { inputs, taken, names } = folder({}, limits);
    let request: InputRequest | null = { ...everything, format: 'png', recipe: '21' };
    for (let requests = 0; request && requests < 20; requests++) {
      const { next } = await inputs.take(request, me, never);
      request = next && inputRequestOf(Buffer.from(JSON.stringify(next)), {});
    }
    expect(request).toBeNull();
    expect(taken).toEqual(names);
  });

  it.each<ProblemCode>(['over-budget', 'queue-unavailable'])(
    'stop at %s, and the next request continues',
    async (code) => {
      const { inputs, taken } = folder({ 'd.png': code });
      const answer = await inputs.take(everything, me, never);
      expect(taken).toEqual(['a.png', 'b.png', 'c.png']);
      expect(answer.next).toEqual({ kernel: 15, after: 'c.png' });
      await expect(inputs.take({ ...everything, after: 'c.png' }, me, never)).rejects.toMatchObject({ code });
    },
  );

  it('are requested with the same filter by the next request', async () => {
    const { inputs } = folder({}, { images: 3 });
    const { next } = await inputs.take({ ...everything, format: 'png', recipe: 'sharpen:9:1.5' }, me, never);
    expect(next).toEqual({ filter: 'sharpen', kernel: 9, amount: 1.5, after: 'c.png' });
  });

  it('are left alone when nobody waits for the answer any more', async () => {
    const { inputs, taken } = folder();
    await inputs.take(everything, me, AbortSignal.abort());
    expect(taken).toEqual([]);
  });

  it('refuse the request itself if the only file is bad', async () => {
    const { inputs } = folder({ 'b.png': 'invalid-image' });
    await expect(inputs.take({ ...everything, input: 'b.png' }, me, never)).rejects.toMatchObject({
      code: 'invalid-image',
    });
  });
});
