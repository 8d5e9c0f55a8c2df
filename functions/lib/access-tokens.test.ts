import { describe, expect, it } from 'vitest';
import { findAccessToken, parseAccessTokens } from './access-tokens.ts';

const first = 'first-token-0123456789';
const second = 'c2Vjb25kLXRva2VuLTAxMjM0NQ==';

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('parseAccessTokens', () => {
  it.each([
    ['one token', first, 1],
    ['tokens separated by commas', `${first},${second}`, 2],
    ['one token a line, as in a file', `${first}\n${second}\n`, 2],
    ['commas and spaces together', ` ${first} , ${second} `, 2],
    ['the shortest and the longest', `${'a'.repeat(16)} ${'b'.repeat(256)}`, 2],
  ])('reads %s', (_what, text, count) => {
    expect(parseAccessTokens(text)).toHaveLength(count);
  });

  it('reads the names of tokens, and lets two tokens share one', () => {
    const names = parseAccessTokens(`alice:${first}, alice:${second}`).map(({ name }) => name);
    expect(names).toEqual(['alice', 'alice']);
  });

  it('gives a token without a name the same name whatever else is in the list', () => {
    const [alone] = parseAccessTokens(second);
    const [, among] = parseAccessTokens(`${first} ${second}`);
    expect(among.name).toBe(alone.name);
    expect(among.name).toMatch(/^token-[0-9a-f]{8}$/);
  });

  it('keeps no token in clear text', () => {
    expect(JSON.stringify(parseAccessTokens(`alice:${first}`))).not.toContain(first);
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n\t'],
    ['commas alone', ',,'],
    ['a token that is too short', 'a'.repeat(15)],
    ['a named token that is too short', `a-long-name-does-not-help:${'a'.repeat(15)}`],
    ['a token that is too long', 'a'.repeat(257)],
    ['a short one among good ones', `${first},short`],
    ['a character that is not allowed in bearer tokens', `${first}"`],
    ['a letter of another script', `${first}é`],
    ['a name alone', 'alice:'],
    ['no name before the colon', `:${first}`],
    ['a name that leads out of a folder', `..:${first}`],
    ['two names', `alice:bob:${first}`],
    ['the same token twice', `alice:${first} bob:${first}`],
  ])('refuses %s without repeating it', (_what, text) => {
    const message = messageOf(() => parseAccessTokens(text));
    expect(message).toMatch(/^one or more tokens|without duplicate tokens/);
    expect(message).not.toContain(first);
  });
});

describe('findAccessToken', () => {
  const tokens = parseAccessTokens(`alice:${first}, bob:${second}`);

  it('finds each token of the list', () => {
    expect(findAccessToken(tokens, first)?.name).toBe('alice');
    expect(findAccessToken(tokens, second)?.name).toBe('bob');
  });

  it.each([
    ['nothing', ''],
    ['a beginning', first.slice(0, -1)],
    ['more than a token', `${first}0`],
    ['another case', first.toUpperCase()],
    ['the name with the token', `alice:${first}`],
    ['both tokens', `${first},${second}`],
  ])('finds none for %s', (_what, given) => {
    expect(findAccessToken(tokens, given)).toBeNull();
  });

  it('finds none in an empty list', () => {
    expect(findAccessToken([], first)).toBeNull();
  });
});
