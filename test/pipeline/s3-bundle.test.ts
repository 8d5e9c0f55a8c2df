// The client for S3 is large, so only a function with STORE=s3 loads it.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const dist = join(import.meta.dirname, '../../dist');
/** A word that only the client contains. */
const MARK = 'AssumeRoleWithWebIdentity';

/** Returns the file and all files of the bundle that are loaded together with it. */
async function loadedWith(folder: string, file: string, known = new Set<string>()): Promise<Set<string>> {
  if (known.has(file)) return known;
  known.add(file);
  const code = await readFile(join(folder, file), 'utf8');
  for (const [, other] of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
    await loadedWith(folder, other, known);
  return known;
}

async function withClient(folder: string, files: Iterable<string>): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    const code = await readFile(join(folder, file), 'utf8');
    if (code.includes(MARK)) found.push(file);
  }
  return found;
}

it.each(['split', 'assemble'])('%s has it in a file that it does not load at start', async (name) => {
  const folder = join(dist, name);
  // main.js switches the cache of compiled code on before it imports the rest.
  const main = await readFile(join(folder, 'main.js'), 'utf8');
  const [start] = [...main.matchAll(/import\([`"']\.\/([^`"']+)[`"']\)/g)].map(([, file]) => file);
  const loaded = await loadedWith(folder, start, new Set(['main.js']));
  expect(loaded.size).toBeGreaterThan(2);
  expect(await withClient(folder, loaded)).toEqual([]);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js'));
  expect((await withClient(folder, files)).length).toBeGreaterThan(0);
});

it('blur, which never uses a bucket, does not have it', async () => {
  const folder = join(dist, 'blur');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.js'));
  expect(await withClient(folder, files)).toEqual([]);
});
