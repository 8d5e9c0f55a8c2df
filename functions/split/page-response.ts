// Sends the page. This file is loaded with the first request for it, so that the page does not slow down a start.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { namesTag } from './etag.ts';

interface Page {
  plain: Buffer;
  gzipped: Buffer;
  version: string;
  policy: string;
}

let loaded: Promise<Page> | null = null;

/** Sends the page, or 304 to a browser that has it. */
export async function sendPage(req: IncomingMessage, res: ServerResponse): Promise<void> {
  loaded ??= loadPage();
  const { plain, gzipped, version, policy } = await loaded;
  const isGzipped = /\bgzip\b/i.test(req.headers['accept-encoding'] ?? '');
  const etag = `"${version}${isGzipped ? '-gzip' : ''}"`;
  const common = { etag, 'cache-control': 'no-cache', vary: 'accept, accept-encoding' };
  if (namesTag(req.headers['if-none-match'], etag)) {
    res.writeHead(304, common).end();
    return;
  }
  const body = isGzipped ? gzipped : plain;
  res.writeHead(200, {
    ...common,
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    ...(isGzipped && { 'content-encoding': 'gzip' }),
    'content-security-policy': policy,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** The build puts the page beside the bundle. */
async function loadPage(): Promise<Page> {
  const plain = await readFile(join(import.meta.dirname, 'page.html'));
  return {
    plain,
    gzipped: await promisify(gzip)(plain, { level: constants.Z_BEST_COMPRESSION }),
    version: createHash('sha256').update(plain).digest('base64url').slice(0, 16),
    policy: policyOf(plain.toString()),
  };
}

/** Returns the Content-Security-Policy: only the page's own code and styles, and only requests to this split. */
function policyOf(html: string): string {
  const hashesOf = (tag: string) =>
    Array.from(html.matchAll(new RegExp(`<${tag}\\b[^>]*>([^]*?)</${tag}>`, 'g')), ([, text]) => {
      const hash = createHash('sha256').update(text).digest('base64');
      return `'sha256-${hash}'`;
    }).join(' ');
  return [
    "default-src 'none'",
    `script-src ${hashesOf('script')}`,
    `style-src ${hashesOf('style')}`,
    "connect-src 'self'",
    'img-src blob: data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
