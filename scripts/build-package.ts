// Builds what other packages import: `tessera/jimp` and `tessera/jimp-plugin` as plain JavaScript with declarations, in
// dist/package. `npm pack` runs it.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const target = join(root, 'dist/package');
const entries = ['jimp', 'jimp-plugin'];

await rm(target, { recursive: true, force: true });
await build({
  cwd: root,
  platform: 'node',
  // Packages are not bundled, so that the importer's Jimp and ours are the same.
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  input: Object.fromEntries(entries.map((name) => [name, join(root, `functions/blur/${name}.ts`)])),
  output: { dir: target, format: 'esm', chunkFileNames: '[name].js' },
  logLevel: 'warn',
});
await copyFile(join(root, 'functions/lib/image/jpeg/libjpeg.wasm'), join(target, 'libjpeg.wasm'));

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
