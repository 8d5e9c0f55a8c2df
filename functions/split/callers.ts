// Who calls: decides by the request's headers alone whether a request may come in, before its body is read.
import type { IncomingMessage } from 'node:http';
import { findAccessToken } from '../lib/access-tokens.ts';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import { clientAddress } from './client-address.ts';

export interface Caller {
  /** The name of its token; its address where no token is asked for. */
  name: string;
  /** The owner whose images it may see and cancel, and no others; null when it may see everyone's. */
  owner: string | null;
}

const BEARER = /^bearer +(\S+)$/i;

type Settings = Pick<Config, 'accessTokens' | 'ownImagesOnly' | 'trustedProxies'>;

/** Throws an Error when images should have owners and there is no token to tell them apart. */
export function assertOwnersAreKnown({ accessTokens, ownImagesOnly }: Settings): void {
  if (ownImagesOnly === 'off' || accessTokens.length > 0) return;
  throw new Error('OWN_IMAGES_ONLY: "on" needs an AUTH_TOKEN, which tells owners apart');
}

/** Returns a function that tells who sends a request. It throws Problem `unauthorized` without one of the tokens. */
export function callersOf(config: Settings): (req: IncomingMessage) => Caller {
  const haveOwners = config.ownImagesOnly === 'on';
  if (config.accessTokens.length === 0) {
    return (req) => ({ name: clientAddress(req, config.trustedProxies), owner: null });
  }
  return (req) => {
    // `headers` would hide that the header came twice.
    const [header, ...others] = req.headersDistinct.authorization ?? [];
    const given = BEARER.exec(header ?? '')?.[1];
    const token = given === undefined ? null : findAccessToken(config.accessTokens, given);
    // The same words whatever is wrong: a caller without a token learns nothing else.
    if (token === null || others.length > 0)
      throw new Problem('unauthorized', 'A valid bearer token is wanted.');
    return { name: token.name, owner: haveOwners ? token.name : null };
  };
}
