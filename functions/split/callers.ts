// Who calls: decides by the request's headers alone whether a request may come in, before its body is read.
import type { IncomingMessage } from 'node:http';
import { findAccessToken } from '../lib/access-tokens.ts';
import type { Config } from '../lib/config.ts';
import { Problem } from '../lib/errors.ts';
import { clientAddress } from './client-address.ts';

export interface Caller {
  /** The name of its token; its address where no token is asked for. */
  name: string;
}

const BEARER = /^bearer +(\S+)$/i;

/** Returns a function that tells who sends a request. It throws Problem `unauthorized` without one of the tokens. */
export function callersOf(
  config: Pick<Config, 'accessTokens' | 'trustedProxies'>,
): (req: IncomingMessage) => Caller {
  return (req) => {
    if (config.accessTokens.length === 0) return { name: clientAddress(req, config.trustedProxies) };
    // `headers` would hide that the header came twice.
    const [header, ...others] = req.headersDistinct.authorization ?? [];
    const given = BEARER.exec(header ?? '')?.[1];
    const token = given === undefined ? null : findAccessToken(config.accessTokens, given);
    // The same words whatever is wrong: a caller without a token learns nothing else.
    if (token === null || others.length > 0)
      throw new Problem('unauthorized', 'A valid bearer token is wanted.');
    return { name: token.name };
  };
}
