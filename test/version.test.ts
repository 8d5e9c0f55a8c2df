import { expect, it } from 'vitest';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSection } from '../scripts/check-changelog.ts';
import { read } from '../scripts/lib/generated-files.ts';
import { tagged } from '../scripts/set-version.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(await read('package.json')) as { version: string };

it('every image, script and document has the version of package.json', async () => {
  const found = new Map<string, string[]>();
  for await (const path of glob(['{knative,keda}/**/*.yaml', 'docs/DEPLOY.md', 'scripts/*.env'], {
    cwd: root,
  })) {
    const tags = (await read(path)).matchAll(
      /(?:\/tessera-[a-z$]+:|TESSERA_TAG=|images\.sh --tag )(\d[^\s@`]*)/g,
    );
    const versions = [...tags].map(([, tag]) => tag.replace(/-[\da-f]{12}$/, ''));
    if (versions.length > 0) found.set(path, versions);
  }
  expect([...found.keys()]).toEqual(
    expect.arrayContaining(['knative/split.service.yaml', 'scripts/versions.env', 'docs/DEPLOY.md']),
  );
  for (const versions of found.values()) expect(new Set(versions)).toEqual(new Set([version]));
});

it.each([
  (tag: string) => `TESSERA_TAG=${tag}\n`,
  (tag: string) => `image: dev.local/tessera-blur:${tag}\n`,
  (tag: string) => `registry.example.com/me/tessera-split:${tag}-3f9a2b71c0de@sha256:…\n`,
  (tag: string) => `(\`images.sh --tag ${tag}\`; and so on)\n`,
])('a version replaces the one before it, also when they are prereleases', (text) => {
  let last = text('0.3.0');
  for (const next of ['0.4.0-rc.1', '0.4.0-rc.2', '0.4.0-new-blur.0', '0.4.0', '0.4.1']) {
    last = tagged(last, next);
    expect(last).toBe(text(next));
  }
});

it('the changelog has a section for the version', async () => {
  const changelog = await read('CHANGELOG.md');
  expect(hasSection(changelog, version)).toBe(true);
  expect(hasSection(changelog, `${version}-rc.1`)).toBe(false);
  expect(hasSection('## 1.2.3-rc.1 - 2026-01-31\n', '1.2.3-rc.1')).toBe(true);
  expect(hasSection('## 1.2.3 - soon\n', '1.2.3')).toBe(false);
});
