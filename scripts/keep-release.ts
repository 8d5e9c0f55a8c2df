// Keeps the queue of this release in test/queue/last-release, so that the next release's tests can run both.
// `npm version` runs this.
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { build } from 'rolldown';
import { read } from './lib/generated-files.ts';

const root = join(import.meta.dirname, '..');
const target = join(root, 'test/queue/last-release');
const queue = join(root, 'functions/lib/queue');
const { version } = JSON.parse(await read('package.json')) as { version: string };

await rm(target, { recursive: true, force: true });
await mkdir(target);
const exported = ['queue/lease-queue', 'queue/image-ledger', 'queue/image-reader', 'events']
  .map((file) => `export * from '../../../functions/lib/${file}.ts';\n`)
  .join('');
const entry = join(target, 'entry.ts');
await writeFile(entry, exported);
await build({
  cwd: root,
  platform: 'node',
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  input: { queue: entry },
  output: {
    dir: target,
    format: 'esm',
    minify: true,
    postBanner: `// The queue of release ${version}, bundled by scripts/keep-release.ts.`,
  },
  logLevel: 'warn',
});
await rm(entry);
await writeFile(join(target, 'queue.d.ts'), `// What of it has the same types today.\n${exported}`);
// The bundle reads these files at run time, from its own folder.
for (const file of (await readdir(queue)).filter((each) => each.endsWith('.lua'))) {
  await copyFile(join(queue, file), join(target, file));
}
