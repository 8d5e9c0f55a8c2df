// Access tokens: parses the setting AUTH_TOKEN, and recognises a token. Only hashes are kept, so that no log
// line and no problem document can ever show a token.
import { createHash, timingSafeEqual } from 'node:crypto';

export interface AccessToken {
  /** The token's owner, for logs and images. Several tokens may share a name. The name is safe as a folder name. */
  name: string;
  sha256: Buffer;
}

/** The format of each token. The characters are those that RFC 6750 allows in a bearer token. */
const ENTRY = /^(?:([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):)?([A-Za-z0-9._~+/-]{16,256}={0,2})$/;
const WANTED =
  'one or more tokens of 16 to 256 letters, digits or -._~+/ each, with an optional name in front ("name:token"), separated by commas or spaces';

/**
 * Parses a list of tokens: `token`, or `name:token, name2:token2`. A token without a name is named after its
 * hash, so that its name does not depend on the other tokens. Throws an Error that says what is required,
 * without the given text.
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
  if (distinct.size < tokens.length) throw new Error('a list without duplicate tokens');
  return tokens;
}

/**
 * Returns the token among `tokens` that equals `given`, or null. Always compares whole hashes with every
 * token, so the time does not depend on where they differ or which one matches.
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
