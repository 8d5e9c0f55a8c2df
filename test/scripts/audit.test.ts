// The check for known vulnerabilities, with a fake registry.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../manifests/overlays.ts';

const advisory = {
  id: 1,
  url: 'https://example.com/advisories/1',
  title: 'It can be made to hang',
  severity: 'high',
  vulnerable_versions: '*',
  cwe: [],
  cvss: { score: 7.5, vectorString: null },
};

let registry: Server;
/** npm caches what a registry returned. */
let cache: string;
/** Package → its advisories; null: the registry does not answer. */
let advisories: Record<string, (typeof advisory)[]> | null;
/** What the registry was asked about. */
let asked: Record<string, string[]>;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'tessera-npm-'));
  registry = createServer((req, res) => {
    if (req.method !== 'POST' || advisories === null) {
      res.writeHead(405).end();
      return;
    }
    res.setHeader('content-type', 'application/json');
    void buffer(req).then((body) => {
      asked = JSON.parse(gunzipSync(body).toString()) as Record<string, string[]>;
      res.end(JSON.stringify(advisories));
    });
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
});
beforeEach(() => {
  advisories = {};
  asked = {};
});
afterAll(async () => {
  registry.close();
  await rm(cache, { recursive: true });
});

async function audit(): Promise<{ code: number; stdout: string }> {
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const env = {
    ...process.env,
    npm_config_registry: url,
    npm_config_cache: cache,
    npm_config_fetch_retries: '0',
  };
  return promisify(execFile)(process.execPath, ['scripts/audit.ts'], { cwd: root, env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

describe('npm run audit', () => {
  it('passes if nothing is known, and has asked about the shipped packages', async () => {
    expect(await audit()).toEqual({ code: 0, stdout: '0 known vulnerabilities, 0 of them severe\n' });
    expect(Object.keys(asked)).toContain('ioredis');
    expect(Object.keys(asked)).not.toContain('vitest');
  });

  it('fails and shows what is known', async () => {
    advisories = { ioredis: [advisory] };
    const { code, stdout } = await audit();
    expect(code).toBe(1);
    expect(stdout).toContain('ioredis: high: It can be made to hang https://example.com/advisories/1');
  });

  it('only reports vulnerabilities that are not severe', async () => {
    advisories = { ioredis: [{ ...advisory, id: 2, severity: 'moderate' }] };
    const { code, stdout } = await audit();
    expect(code).toBe(0);
    expect(stdout).toContain('ioredis: moderate');
  });

  it('passes and says so if the registry does not answer', async () => {
    advisories = null;
    const { code, stdout } = await audit();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Not checked for known vulnerabilities: /);
  });
});
