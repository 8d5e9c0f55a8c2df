// Access tokens: how the setting AUTH_TOKEN is read, and how a token is recognised. Only hashes are kept, so that no log
// line and no problem document can ever show a token.
import { createHash, timingSafeEqual } from 'node:crypto';

export interface AccessToken {
  /** Who the token stands for, in logs and as the owner of images. Several tokens may share a name. Fit for a folder. */
  name: string;
  sha256: Buffer;
}

/** What is wanted of each token; the characters are those a bearer token may have (RFC 6750). */
const ENTRY = /^(?:([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):)?([A-Za-z0-9._~+/-]{16,256}={0,2})$/;
const WANTED =
  'one or more tokens of 16 to 256 letters, digits or -._~+/ each, with an optional name in front ("name:token"), separated by commas or spaces';

/**
 * Reads a list of tokens: `token`, or `name:token, name2:token2`. A token without a name is called after its hash, so
 * that it keeps its name when others come and go. Throws an Error that says what is wanted and repeats nothing.
 */
export function parseAccessTokens(text: string): AccessToken[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.length === 0) throw new Error(WANTED);
  const tokens = entries.map((entry) => {
    const [match, name, token] = ENTRY.exec(entry) ?? [];
    if (match === undefined) throw new Error(WANTED);
    const sha256 = hashOf(token);
    return { name: name ?? `token-${sha256.toString('hex', 0, 4)}`, sha256 };
  });
  const distinct = new Set(tokens.map(({ sha256 }) => sha256.toString('hex')));
  if (distinct.size < tokens.length) throw new Error('a list in which every token stands once');
  return tokens;
}

/**
 * The token among `tokens` that equals `given`, or null. It takes the same time wherever they differ and whichever it is:
 * hashes are compared, whole, with every token.
 */
export function findAccessToken(tokens: readonly AccessToken[], given: string): AccessToken | null {
  const sha256 = hashOf(given);
  let found: AccessToken | null = null;
  for (const token of tokens) if (timingSafeEqual(token.sha256, sha256)) found = token;
  return found;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
