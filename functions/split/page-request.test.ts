import { describe, expect, it } from 'vitest';
import { isPageRequest } from './page-request.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const isPage = (accept: string | undefined, url = '/', method = 'GET', page: 'on' | 'off' = 'on') =>
  isPageRequest({ method, url, headers: accept === undefined ? {} : { accept } }, { page });

describe('a request for the page', () => {
  it.each([browser, 'text/html', 'TEXT/HTML', 'application/json, text/html;q=0.5', 'text/html;q=0.05'])(
    'accepts %s',
    (accept) => expect(isPage(accept)).toBe(true),
  );

  it.each([undefined, '', '*/*', 'application/json', 'text/html5', 'text/html;q=0', 'text/html;q=0.0, */*'])(
    'is not one that accepts %s',
    (accept) => expect(isPage(accept)).toBe(false),
  );

  it('may have a query or be a HEAD', () => {
    expect(isPage(browser, '/?from=mail')).toBe(true);
    expect(isPage(browser, '/', 'HEAD')).toBe(true);
  });

  it.each([
    ['POST', '/'],
    ['DELETE', '/'],
    ['GET', '/images'],
    ['GET', '//'],
    ['GET', '/index.html'],
  ])('is not %s %s', (method, url) => expect(isPage(browser, url, method)).toBe(false));

  it('is none where the page is off', () => expect(isPage(browser, '/', 'GET', 'off')).toBe(false));
});
