// Writes the version of package.json to every other file that names it: the tag of our images in the manifests, in
// scripts/versions.env and in docs/DEPLOY.md. `npm version 1.2.3` runs it; a test holds the files equal.
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { generate, read } from './lib/generated-files.ts';

/** The files that name our images, as patterns. */
const FILES = ['knative/**/*.yaml', 'keda/**/*.yaml', 'docs/DEPLOY.md', 'scripts/versions.env'];
const TAG = /(\/tessera-(?:split|blur|assemble|\$f):|^TESSERA_TAG=)\d+\.\d+\.\d+\b/gm;

const root = join(import.meta.dirname, '..');

/** The files that name the version, as they should be, by their path below the repository's root. */
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
