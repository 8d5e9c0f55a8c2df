import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { assertRoutable, unroutable } from './routable.ts';

function head(url: string, httpVersion = '1.1', headers: Record<string, string> = { host: 'x' }) {
  return { url, httpVersion, headers } as IncomingMessage;
}

it.each(['/', '/images?name=/robots.txt', '*', 'http://x/images', '/robots.txtual'])(
  'accepts "%s"',
  (url) => {
    expect(() => assertRoutable(head(url))).not.toThrow();
  },
);

it.each(['/favicon.ico', '/ROBOTS.txt', '/robots.txt/x?y'])('finds nothing at "%s"', (url) => {
  expect(() => assertRoutable(head(url))).toThrow(expect.objectContaining({ code: 'not-found' }));
});

it('requires a Host header in HTTP/1.1 but not in HTTP/1.0', () => {
  expect(() => assertRoutable(head('/', '1.1', {}))).toThrow('Host');
  expect(() => assertRoutable(head('/', '1.0', {}))).not.toThrow();
});

it('distinguishes a request without a route from one that the framework could not read', () => {
  expect(unroutable(undefined)).toMatchObject({ code: 'not-found' });
  expect(unroutable(new URIError('URI malformed'))).toMatchObject({ code: 'invalid-request' });
  const bug = new TypeError('a bug');
  expect(unroutable(bug)).toBe(bug);
});
