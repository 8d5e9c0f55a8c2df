import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type * as Token from './token.ts';

const TOKEN = 'aToken.0~1+2/3-4_5==';
let stored: Map<string, string>;
let token: typeof Token;

beforeEach(async () => {
  stored = new Map();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.resetModules();
  token = await import('./token.ts');
});

afterEach(() => vi.unstubAllGlobals());

it.each([
  TOKEN,
  ` ${TOKEN}\n`,
  `Bearer ${TOKEN}`,
  `\tbearer  ${TOKEN} `,
  `${TOKEN.slice(0, 9)}\n${TOKEN.slice(9)}`,
])('finds the token in %j', (text) => {
  token.useToken(text);
  expect(token.currentToken()).toBe(TOKEN);
});

it.each(['', ' ', 'Bearer', 'too-short', 'a'.repeat(257), `${TOKEN}…`, 'ünfit-0123456789abc', `${TOKEN}=`])(
  'does not use %j, and asks again',
  (text) => {
    token.useToken(text);
    expect(token.currentToken()).toBeNull();
    expect(token.tokenWanted.value).toBe('refused');
  },
);

it('stores a token when it is accepted, and forgets it when it is refused', async () => {
  token.useToken(TOKEN);
  expect(stored.size).toBe(0);
  token.noteAccepted(TOKEN);
  expect([...stored.values()]).toEqual([TOKEN]);
  void token.anotherToken(TOKEN);
  expect(stored.size).toBe(0);
  expect(token.tokenWanted.value).toBe('refused');
});

it('does not store a token that was accepted after another one was given', () => {
  token.useToken(TOKEN);
  token.useToken('another-token-0123456789');
  token.noteAccepted(TOKEN);
  expect(stored.size).toBe(0);
});

it('does not use a stored text that is no token', () => {
  stored.set('tessera-token', `${TOKEN}…`);
  expect(token.currentToken()).toBeNull();
});
