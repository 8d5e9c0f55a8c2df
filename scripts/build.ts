// Bundles each function into dist/<function>: main.js to run it, index.js for the functions-framework's own
// command, and the files that they read. Only these files run in production; see docs/adr/0003.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

interface Bundle {
  name: string;
  /** Entry name → source file, besides main and index. */
  entries: Record<string, string>;
  /** Files read at run time, copied next to the bundle. */
  files: string[];
}

const OPEN_API = join(root, 'docs/openapi.yaml');
const queue = join(root, 'functions/lib/queue');
const scripts = readdirSync(queue)
  .filter((file) => file.endsWith('.lua'))
  .map((file) => join(queue, file));

const bundles: Bundle[] = [
  {
    name: 'split',
    entries: { 'jpeg-thread': join(root, 'functions/lib/image/jpeg/jpeg-thread.ts') },
    files: [...scripts, join(root, 'functions/lib/image/jpeg/libjpeg.wasm')],
  },
  {
    name: 'blur',
    entries: {
      'convolve-thread': join(root, 'functions/blur/convolve-thread.ts'),
      // The thread pool starts its threads from this file, next to the bundle.
      worker: join(require.resolve('piscina'), '../worker.js'),
    },
    files: scripts,
  },
  {
    name: 'assemble',
    entries: {},
    files: [...scripts, join(root, 'functions/lib/image/jpeg/libjpeg-write.wasm')],
  },
];

/** Loaded only when it is needed: every `npm start` loads this file, and seldom has to build. */
const bundler = () => import('rolldown');

/** Records what was built and when; written last. */
const MARK = 'package.json';

/**
 * Writes dist/<name>. Each file is put in place as a whole, so that a process that starts meanwhile finds all
 * of its files.
 */
async function bundle({ name, entries, files }: Bundle): Promise<void> {
  const target = join(root, 'dist', name);
  const fresh = await mkdtemp(join(await folder(join(root, 'dist')), `.${name}-`));
  const { build } = await bundler();
  await build({
    cwd: root,
    platform: 'node',
    // A native addon of the thread pool for a priority that is not used here; it is optional.
    external: ['@napi-rs/nice'],
    resolve: { alias: { domain: join(root, 'functions/lib/service/no-domain.ts') } },
    input: {
      main: join(root, `functions/${name}/main.ts`),
      index: join(root, `functions/${name}/index.ts`),
      ...entries,
    },
    output: {
      dir: fresh,
      format: 'esm',
      minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
      chunkFileNames: '[name]-[hash].js',
      // What several chunks need is one file. Otherwise it would be ten, and each adds to the start. Except for stop-signal.ts, which
      // takes over SIGTERM where it is loaded: under the framework's own command nobody would act on it. And for node-http.ts:
      // a worker's first tile should not have to wait for it.
      codeSplitting: {
        groups: [
          {
            name: 'shared',
            test: /functions[/]lib[/](?!service[/](?:stop-signal|node-http))/,
            minShareCount: 2,
          },
        ],
      },
      sourcemap: true,
      // CommonJS packages use these names to find files in their folder.
      banner:
        "import { createRequire as __createRequire } from 'node:module';const require=__createRequire(import.meta.url),__dirname=import.meta.dirname,__filename=import.meta.filename;",
    },
    logLevel: 'warn',
  });
  for (const file of files) await copyFile(file, join(fresh, basename(file)));
  if (name === 'split') {
    await writeFile(join(fresh, 'page.html'), await page());
    await writeFile(join(fresh, 'openapi.json'), await openApi());
  }
  const made = await readdir(fresh);
  for (const file of made.filter((each) => each.endsWith('.map'))) await leaveOutSources(join(fresh, file));
  await folder(target);
  for (const file of made) await rename(join(fresh, file), join(target, file));
  const mark = join(fresh, MARK);
  await writeFile(mark, `${JSON.stringify({ type: 'module', main: 'index.js', ...(await origin()) })}\n`);
  await rename(mark, join(target, MARK));
  const left = (await readdir(target)).filter((file) => file !== MARK && !made.includes(file));
  for (const file of left) await rm(join(target, file), { recursive: true });
  await rm(fresh, { recursive: true });
}

/**
 * Returns the page of functions/split/page as one HTML file with its styles and its code inside. While a new release is rolled
 * out, a browser's next request may reach the other release, so a page of several files could be mixed from two.
 */
async function page(): Promise<string> {
  const folder = join(root, 'functions/split/page');
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  const { build } = await bundler();
  const { output } = await build({
    cwd: root,
    input: join(folder, 'main.tsx'),
    platform: 'browser',
    tsconfig: false, // The container image is built without the settings of the type checker.
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    output: { format: 'esm', minify: true },
    write: false,
    logLevel: 'warn',
  });
  const parts: Record<string, string> = {
    icon: `data:image/svg+xml,${encodeURIComponent(await text('icon.svg'))}`,
    style: (await text('page.css')).replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/\s+/g, ' '),
    script: output[0].code.replaceAll('</script', String.raw`<\/script`),
  };
  return (await text('page.html')).replaceAll(/%(icon|style|script)%/g, (_, name: string) => parts[name]);
}

/** Returns the OpenAPI document as JSON, with the version of this release, so that split does not have to parse YAML. */
async function openApi(): Promise<string> {
  const { parse } = await import('yaml');
  const text = await readFile(OPEN_API, 'utf8');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const document = parse(text, { merge: true }) as { info: object };
  // What the YAML only has for its anchors.
  const entries = Object.entries(document).filter(([key]) => !key.startsWith('x-'));
  return JSON.stringify({ ...Object.fromEntries(entries), info: { ...document.info, version } });
}

/** Removes the sources' text from a source map, because stack traces only need the positions. */
async function leaveOutSources(path: string): Promise<void> {
  const { sourcesContent: _, ...map } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(map));
}

async function folder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

/** Returns the version and the commit of this code, which the metrics show. An image is built without git, and is told the commit. */
async function origin(): Promise<{ version: string; commit: string }> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const commit = process.env.COMMIT || (await commitOfCheckout());
  return { version, commit };
}

async function commitOfCheckout(): Promise<string> {
  return promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: root }).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown',
  );
}

/** Builds everything. */
async function buildAll(): Promise<void> {
  await Promise.all(bundles.map(bundle));
}

/** Builds unless dist is newer than all of its sources. Calls `onBuild` before. */
export async function buildIfStale(onBuild?: () => void): Promise<void> {
  const builtAt = Math.min(
    ...(await Promise.all(bundles.map(({ name }) => changedAt(join(root, 'dist', name, MARK))))),
  );
  const sources = (await readdir(join(root, 'functions'), { recursive: true })).map((file) =>
    join(root, 'functions', file),
  );
  const inputs = [...sources, import.meta.filename, OPEN_API, join(root, 'package-lock.json')];
  const newest = Math.max(...(await Promise.all(inputs.map(changedAt))));
  if (builtAt > newest) return;
  onBuild?.();
  await buildAll();
}

async function changedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0, // Missing: never built.
  );
}

if (import.meta.main) await buildAll();
