// Builds what is in the package besides the functions: `tessera/jimp` and `tessera/jimp-plugin` as plain JavaScript with
// declarations, in dist/package, and the command `tessera`, in dist/tessera. `npm pack` runs it.
import { execFile } from 'node:child_process';
import { copyFile, glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const target = join(root, 'dist/package');
const entries = ['jimp', 'jimp-plugin'];
const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** Bundles the sources `input` into `folder`, with the decoder that they read there. */
async function bundle(folder: string, input: Record<string, string>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await build({
    cwd: root,
    platform: 'node',
    // Dependencies are not bundled, so that the importer's Jimp and ours are the same. Other packages are.
    external: (id) => Object.keys(dependencies).some((name) => id === name || id.startsWith(`${name}/`)),
    input,
    output: { dir: folder, format: 'esm', chunkFileNames: '[name].js' },
    logLevel: 'warn',
  });
  await copyFile(join(root, 'functions/lib/image/jpeg/libjpeg.wasm'), join(folder, 'libjpeg.wasm'));
}

await bundle(
  target,
  Object.fromEntries(entries.map((name) => [name, join(root, `functions/blur/${name}.ts`)])),
);
const command = join(root, 'dist/tessera');
await bundle(command, { main: join(root, 'local/main.ts') });
for await (const script of glob('functions/lib/queue/*.lua', { cwd: root })) {
  await copyFile(join(root, script), join(command, basename(script)));
}

const types = await mkdtemp(join(root, 'dist/.types-'));
try {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.package.json', '--outDir', types], {
    cwd: root,
  });
  for (const name of entries) {
    const text = await readFile(join(types, `blur/${name}.d.ts`), 'utf8');
    await writeFile(join(target, `${name}.d.ts`), text.replaceAll(/'(\.\/[^']+)\.ts'/g, "'$1.js'"));
  }
} finally {
  await rm(types, { recursive: true });
}
