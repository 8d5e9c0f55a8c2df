// Writes the version of package.json to all other files that contain it: the tag of our images in the
// manifests, in scripts/versions.env and in docs/DEPLOY.md. `npm version 1.2.3` runs it; a test checks that
// the files agree.
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { generate, read } from './lib/generated-files.ts';

/** The files that name our images, as patterns. */
const FILES = ['knative/**/*.yaml', 'keda/**/*.yaml', 'docs/DEPLOY.md', 'scripts/versions.env'];
const TAG = /(\/tessera-(?:split|blur|assemble|\$f):|^TESSERA_TAG=)\d+\.\d+\.\d+\b/gm;

const root = join(import.meta.dirname, '..');

/** Returns the files that contain the version, with the right version, by their path in the repository. */
export async function withVersion(): Promise<Map<string, string>> {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const files = new Map<string, string>();
  for await (const path of glob(FILES, { cwd: root })) {
    const text = await read(path);
    if (text.search(TAG) !== -1) files.set(path, text.replaceAll(TAG, `$1${version}`));
  }
  return files;
}

if (import.meta.main) await generate(await withVersion(), process.argv.includes('--check'));
