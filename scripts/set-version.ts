// Writes the version of package.json to all other files that contain it: the tag of our images in the
// manifests, in scripts/versions.env and in docs/DEPLOY.md. `npm version 1.2.3` runs it; a test checks that
// the files agree.
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { generate, read } from './lib/generated-files.ts';

/** The files that name our images, as patterns. */
const FILES = ['knative/**/*.yaml', 'keda/**/*.yaml', 'docs/DEPLOY.md', 'scripts/versions.env'];
const BEFORE = String.raw`\/tessera-(?:split|blur|assemble|\$f):|^TESSERA_TAG=|images\.sh --tag `;
/** A version, also of a prerelease (`1.2.0-rc.1`), without the checksum that a tag may have after it. */
const VERSION = String.raw`\d+\.\d+\.\d+(?:-(?![\da-f]{12}\b)[\dA-Za-z]+(?:\.[\dA-Za-z]+)*)*`;
const TAG = new RegExp(`(${BEFORE})${VERSION}`, 'gm');

const root = join(import.meta.dirname, '..');

/** Returns `text` with `version` as the tag of our images. */
export function tagged(text: string, version: string): string {
  return text.replaceAll(TAG, (_, before: string) => before + version);
}

/** Returns the files that contain the version, with the right version, by their path in the repository. */
async function withVersion(): Promise<Map<string, string>> {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const files = new Map<string, string>();
  for await (const path of glob(FILES, { cwd: root })) {
    const text = await read(path);
    if (text.search(TAG) !== -1) files.set(path, tagged(text, version));
  }
  return files;
}

if (import.meta.main) await generate(await withVersion(), process.argv.includes('--check'));
