// Tells a browser that opens split's address from a program that calls the API.
import type { IncomingMessage } from 'node:http';
import type { Config } from '../lib/config.ts';
import { targetOf } from './requests.ts';

const HTML = /(?:^|,)\s*text\/html\s*(?:;(?!\s*q=0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i;

/**
 * Returns whether the request is for the page: a GET of `/` that accepts HTML, unless the page is switched off. The page is the
 * same for everyone and contains no data, so it is sent without a token. A browser cannot send one when it opens an address.
 */
export function isPageRequest(
  { method, url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  { page }: Pick<Config, 'page'>,
): boolean {
  if (page === 'off' || (method !== 'GET' && method !== 'HEAD')) return false;
  return targetOf(url).path === '/' && HTML.test(headers.accept ?? '');
}
