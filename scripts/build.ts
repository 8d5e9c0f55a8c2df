// Bundles each function into dist/<function>: main.js to run it, index.js for the functions-framework's own CLI, and the
// files they read beside them. What is in there is all that runs in production; see docs/adr/0003.
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

interface Bundle {
  name: string;
  /** Entry name → source file. */
  entries: Record<string, string>;
  /** Files read at run time, copied beside the bundle. */
  files: string[];
}

const bundles: Bundle[] = [
  { name: 'split', entries: {}, files: [] },
  {
    name: 'blur',
    entries: {
      'convolve-thread': join(root, 'functions/blur/convolve-thread.ts'),
      // The thread pool starts its threads from this file, found beside the bundle.
      worker: join(require.resolve('piscina'), '../worker.js'),
    },
    files: [],
  },
  { name: 'assemble', entries: {}, files: [] },
];

/** Writes dist/<name> anew. */
async function bundle({ name, entries, files }: Bundle): Promise<void> {
  const dir = join(root, 'dist', name);
  await rm(dir, { recursive: true, force: true });
  await build({
    cwd: root,
    platform: 'node',
    // A native addon the thread pool uses for a priority nobody sets here; it does without.
    external: ['@napi-rs/nice'],
    input: {
      main: join(root, `functions/${name}/main.ts`),
      index: join(root, `functions/${name}/index.ts`),
      ...entries,
    },
    output: {
      dir,
      format: 'esm',
      minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
      chunkFileNames: '[name]-[hash].js',
      // Packages written as CommonJS look beside themselves by these names.
      banner:
        "import { createRequire as __createRequire } from 'node:module';const require=__createRequire(import.meta.url),__dirname=import.meta.dirname,__filename=import.meta.filename;",
    },
    logLevel: 'warn',
  });
  const queue = join(root, 'functions/lib/queue');
  const scripts = (await readdir(queue))
    .filter((file) => file.endsWith('.lua'))
    .map((file) => join(queue, file));
  await mkdir(dir, { recursive: true });
  for (const file of [...scripts, ...files])
    await copyFile(file, join(dir, file.slice(file.lastIndexOf('/') + 1)));
  await writeFile(join(dir, 'package.json'), `${JSON.stringify({ type: 'module', main: 'index.js' })}\n`);
}

/** Builds everything. */
export async function buildAll(): Promise<void> {
  await Promise.all(bundles.map(bundle));
}

/** Builds unless dist is newer than every source it is made from. */
export async function buildIfStale(): Promise<void> {
  const builtAt = Math.min(
    ...(await Promise.all(bundles.map(({ name }) => changedAt(join(root, 'dist', name, 'package.json'))))),
  );
  const sources = (await readdir(join(root, 'functions'), { recursive: true })).map((file) =>
    join(root, 'functions', file),
  );
  const inputs = [...sources, import.meta.filename, join(root, 'package-lock.json')];
  const newest = Math.max(...(await Promise.all(inputs.map(changedAt))));
  if (builtAt <= newest) await buildAll();
}

async function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0, // Not there: never built.
  );
}

if (import.meta.main) await buildAll();
