// How split sends the page: to browsers only, compressed, checked by its tag, and with a policy that allows nothing else.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FunctionProcess } from '../../local/function-process.ts';
import { RedisServer } from '../../local/redis-server.ts';

const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
const MAX_BYTES = 60_000;

let server: RedisServer;
let file: Buffer;
const started: FunctionProcess[] = [];

async function start(env: Record<string, string> = {}): Promise<string> {
  const split = new FunctionProcess('split', { env: { REDIS_URL: server.url, STORE: 'redis', ...env } });
  started.push(split);
  return split.healthy();
}

beforeAll(async () => {
  server = await RedisServer.start();
  file = await readFile(join(import.meta.dirname, '../../dist/split/page.html'));
});

afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
  await server.stop();
});

describe('the page', () => {
  let url: string;
  beforeAll(async () => {
    url = await start();
  });

  it('is small, and needs nothing from elsewhere', () => {
    expect(gzipSync(file, { level: 9 }).length).toBeLessThan(MAX_BYTES);
    expect(file.toString()).not.toMatch(/\b(?:src|href)\s*=\s*["']?(?!data:|#|%)[\w/.:]+\.\w/);
    expect(file.toString()).not.toMatch(/%(?:icon|style|script)%/);
  });

  it('is sent to a browser, compressed if it accepts that', async () => {
    for (const encoding of ['identity', 'gzip']) {
      const response = await fetch(url, { headers: { accept, 'accept-encoding': encoding } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
      expect(response.headers.get('vary')).toBe('accept, accept-encoding');
      expect(Buffer.compare(await response.bytes(), file)).toBe(0);
    }
  });

  it('is not sent again to a browser that has it', async () => {
    const first = await fetch(url, { headers: { accept } });
    await first.arrayBuffer();
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(url, { headers: { accept, 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect(again.headers.get('cache-control')).toBe('no-cache');
    expect(again.headers.get('etag')).toBe(etag);
  });

  it('has headers but no body for HEAD', async () => {
    const response = await fetch(url, { method: 'HEAD', headers: { accept, 'accept-encoding': 'identity' } });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('content-length')).toBe(String(file.length));
  });

  it('allows its own code and styles, its own split, and nothing else', async () => {
    const response = await fetch(url, { headers: { accept } });
    const policy = response.headers.get('content-security-policy') ?? '';
    const directives = policy.split('; ').map((each) => each.split(' ') as [string, ...string[]]);
    const {
      'script-src': scripts,
      'style-src': styles,
      ...others
    } = Object.fromEntries(directives.map(([name, ...values]) => [name, values.join(' ')]));
    expect(scripts).toMatch(/^'sha256-[\w+/]{43}='$/);
    expect(styles).toMatch(/^'sha256-[\w+/]{43}='$/);
    expect(others).toEqual({
      'default-src': "'none'",
      'connect-src': "'self'",
      'img-src': 'blob: data:',
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
    });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('is not for callers that want no HTML', async () => {
    const response = await fetch(url, { headers: { accept: '*/*' } });
    expect([response.status, await response.json()]).toMatchObject([405, { code: 'method-not-allowed' }]);
  });
});

it('is sent without a token, but nothing else is', async () => {
  const url = await start({ AUTH_TOKEN: 'a-token-of-the-page-test' });
  const page = await fetch(url, { headers: { accept } });
  expect([page.status, await page.text()]).toEqual([200, file.toString()]);
  for (const [method, path] of [
    ['GET', '/images'],
    ['POST', '/'],
    ['GET', '/index.html'],
  ]) {
    expect((await fetch(url + path, { method, headers: { accept } })).status).toBe(401);
  }
});

it('is not sent where it is switched off', async () => {
  const url = await start({ PAGE: 'off' });
  expect((await fetch(url, { headers: { accept } })).status).toBe(405);
});
