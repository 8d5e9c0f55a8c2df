import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { assertWellFormed } from './request-head.ts';

function head(url: string, httpVersion = '1.1', headers: Record<string, string> = { host: 'x' }) {
  return { url, httpVersion, headers } as IncomingMessage;
}

it.each(['/', '/images?name=%', '*', 'http://x/images', '/%E7%85%A7', '/robots.txtual'])(
  'lets "%s" in',
  (url) => {
    expect(() => assertWellFormed(head(url))).not.toThrow();
  },
);

it.each(['/%', '/images/%zz', '/%E7%85', '/%ff?name=a'])('refuses "%s"', (url) => {
  expect(() => assertWellFormed(head(url))).toThrow(expect.objectContaining({ code: 'invalid-request' }));
});

it.each(['/favicon.ico', '/ROBOTS.txt', '/robots.txt/x?y'])('has nothing at "%s"', (url) => {
  expect(() => assertWellFormed(head(url))).toThrow(expect.objectContaining({ code: 'not-found' }));
});

it('wants a Host header, as HTTP/1.1 does and HTTP/1.0 does not', () => {
  expect(() => assertWellFormed(head('/', '1.1', {}))).toThrow('Host');
  expect(() => assertWellFormed(head('/', '1.0', {}))).not.toThrow();
});
