import { expect, it } from 'vitest';
import { read } from '../scripts/lib/generated-files.ts';
import { withVersion } from '../scripts/set-version.ts';

it('every image, script and document has the version of package.json', async () => {
  const files = await withVersion();
  expect([...files.keys()]).toEqual(
    expect.arrayContaining(['knative/split.service.yaml', 'scripts/versions.env', 'docs/DEPLOY.md']),
  );
  for (const [path, text] of files) expect(await read(path)).toBe(text);
});

it('the changelog has a section for the version', async () => {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  expect(await read('CHANGELOG.md')).toMatch(
    new RegExp(`^## ${version.replaceAll('.', String.raw`\.`)} - \\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );
});
