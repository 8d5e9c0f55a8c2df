import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Away, Refusal } from './faults.ts';
import { split } from './split.ts';
import { tokenWanted, useToken } from './token.ts';

const TOKEN = 'the-token-0123456789';
const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ code, title: 'A title', detail: 'The detail.', status }), { status });

/** The requests that were sent: path and authorization. */
let sent: [path: string, authorization: string | null][];

/** Answers every request like this. */
function answer(respond: (path: string, authorization: string | null) => Response): void {
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const authorization = new Headers(init.headers).get('authorization');
    sent.push([path, authorization]);
    return respond(path, authorization);
  });
}

beforeEach(() => {
  sent = [];
  const stored = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('a call of split', () => {
  it('returns what it answers', async () => {
    answer(() => Response.json({ images: [{ id: 'a' }] }));
    expect(await split.images()).toEqual([{ id: 'a' }]);
    expect(sent).toEqual([['images', null]]);
  });

  it('is refused with a problem', async () => {
    answer(() => problem(404, 'not-found'));
    await expect(split.image('a')).rejects.toBeInstanceOf(Refusal);
  });

  it.each<[string, () => Response]>([
    [
      'there is no answer',
      () => {
        throw new TypeError('Failed to fetch');
      },
    ],
    ['the answer is that of a proxy', () => problem(502, 'bad-gateway')],
    ['the answer is a page of something else', () => new Response('<h1>Welcome</h1>')],
    [
      'the answer breaks off',
      () =>
        new Response(new ReadableStream({ pull: (stream) => stream.error(new TypeError('network error')) })),
    ],
  ])('means that split is away when %s', async (_what, respond) => {
    answer(respond);
    await expect(split.queue()).rejects.toBeInstanceOf(Away);
  });

  it('waits for a token, is sent again with it, and asks again for one that is refused', async () => {
    answer((path, authorization) =>
      authorization === `Bearer ${TOKEN}` ? Response.json({ path }) : problem(401, 'unauthorized'),
    );
    const calls = Promise.all([split.image('a'), split.image('b')]);
    await vi.waitFor(() => expect(tokenWanted.value).toBe('missing'));
    useToken('another-token-0123456789');
    await vi.waitFor(() => expect(tokenWanted.value).toBe('refused'));
    useToken(` ${TOKEN} `);
    expect(await calls).toEqual([{ path: 'images/a' }, { path: 'images/b' }]);
    expect(tokenWanted.value).toBe('no');
    expect(await split.image('c')).toEqual({ path: 'images/c' });
    expect(sent.at(-1)).toEqual(['images/c', `Bearer ${TOKEN}`]);
  });
});
