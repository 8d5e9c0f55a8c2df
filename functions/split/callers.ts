// Decides by a request's headers who the caller is and whether the request is accepted, before its body is
// read.
import type { IncomingMessage } from 'node:http';
import { findAccessToken } from '../lib/access-tokens.ts';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import { eventTokenOf } from '../lib/service/event-path.ts';
import { clientAddress } from './client-address.ts';

export interface Caller {
  /** The name of its token, or its address if no token is required. */
  name: string;
  /** The owner whose images, and no others, it may see and cancel; null if it may see all images. */
  owner: string | null;
}

const BEARER = /^bearer +(\S+)$/i;
/** Methods that change nothing. */
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

type Settings = Pick<Config, 'accessTokens' | 'ownImagesOnly' | 'trustedProxies'>;

/** Throws an Error if images should have owners but there are no tokens to distinguish them. */
export function assertOwnersAreKnown({ accessTokens, ownImagesOnly }: Settings): void {
  if (ownImagesOnly === 'off' || accessTokens.length > 0) return;
  throw new Error('OWN_IMAGES_ONLY: "on" needs an AUTH_TOKEN to distinguish owners');
}

/**
 * Returns a function that returns the sender of a request. It throws Problem `unauthorized` without one of
 * the tokens, and `cross-site` if the page of another site wants to change something.
 */
export function callersOf(config: Settings): (req: IncomingMessage) => Caller {
  const senderOf = sendersOf(config);
  return (req) => {
    const sender = senderOf(req);
    assertNotCrossSite(req);
    return sender;
  };
}

/**
 * Throws Problem `cross-site` for a request that changes something and comes from a page of another site. A browser lets such a
 * page send requests into a private network, although the page cannot read the answers.
 */
function assertNotCrossSite({ method = '', headers }: Pick<IncomingMessage, 'method' | 'headers'>): void {
  if (headers['sec-fetch-site'] !== 'cross-site' || READING.has(method)) return;
  throw new Problem('cross-site', 'A page of another site may not send images or change them.');
}

function sendersOf(config: Settings): (req: IncomingMessage) => Caller {
  const haveOwners = config.ownImagesOnly === 'on';
  if (config.accessTokens.length === 0) {
    return (req) => ({ name: clientAddress(req, config.trustedProxies), owner: null });
  }
  return (req) => {
    // `headers` would hide a second header.
    const [header, ...others] = req.headersDistinct.authorization ?? [];
    const given = header === undefined ? eventTokenOf(req.url ?? '') : (BEARER.exec(header)?.[1] ?? null);
    const token = given === null ? null : findAccessToken(config.accessTokens, given);
    // The same words whatever is wrong, so that a caller without a token learns nothing else.
    if (token === null || others.length > 0)
      throw new Problem('unauthorized', 'A valid bearer token is required.');
    return { name: token.name, owner: haveOwners ? token.name : null };
  };
}
