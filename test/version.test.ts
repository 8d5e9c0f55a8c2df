import { expect, it } from 'vitest';
import { read } from '../scripts/lib/generated-files.ts';
import { withVersion } from '../scripts/set-version.ts';

it('the version of package.json is that of every image, script and document', async () => {
  const files = await withVersion();
  expect([...files.keys()]).toEqual(
    expect.arrayContaining(['knative/split.service.yaml', 'scripts/versions.env', 'docs/DEPLOY.md']),
  );
  for (const [path, text] of files) expect(await read(path)).toBe(text);
});

it('the changelog tells of the version', async () => {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  expect(await read('CHANGELOG.md')).toMatch(
    new RegExp(`^## ${version.replaceAll('.', String.raw`\.`)} - \\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );
});
