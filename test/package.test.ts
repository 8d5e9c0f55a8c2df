// Uses the result of `npm pack` as another project would: with only the package and its runtime dependencies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { photo } from '../functions/testing/photo.ts';
import { isFull } from './support/full.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const packages = join(root, 'node_modules');
const [width, height] = [120, 80];

let project: string;

/** Packs the package and unpacks it into a new project, next to links to its dependencies. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'tessera-package-'));
  const installed = join(project, 'node_modules/tessera');
  await mkdir(installed, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as { filename: string }[];
  await run('tar', ['-xzf', join(project, filename), '--strip-components=1', '-C', installed]);
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(packages, name), link);
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  const { data } = photo(width, height);
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  await picture.jpeg().toFile(join(project, 'photo.jpg'));
});

afterAll(async () => {
  await rm(project, { recursive: true });
});

/**
 * Returns the Node of a major version: this one, the one on the PATH, or one from the registry. Null if it
 * was not found.
 */
async function nodeOf(major: number): Promise<string | null> {
  for (const node of [process.execPath, ...systemNodes()]) {
    const version = await run(node, ['--version']).catch(() => null);
    if (version?.stdout.startsWith(`v${major}.`)) return node;
  }
  if (!isFull) return null;
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(project, `node-${major}`);
  await mkdir(folder);
  await run('npm', [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--prefix',
    folder,
    `${name}@${major}`,
  ]);
  return join(folder, 'node_modules', name, 'bin/node');
}

/** Where the system may have its own Node, besides the one that npm puts first on the PATH. */
function systemNodes(): string[] {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => join(folder, 'node'));
}

it('holds plain JavaScript and declarations, no sources, tests or benches', async () => {
  const files = await readdir(join(project, 'node_modules/tessera'), { recursive: true });
  expect(files).toContain('dist/package/jimp.js');
  expect(files).toContain('dist/package/jimp.d.ts');
  expect(files).toContain('dist/split/page.html');
  expect(files.filter((file) => /(?<!\.d)\.ts$|\.map$|(^|\/)(test|testing|bench)\//.test(file))).toEqual([]);
});

describe('the command tessera', () => {
  const command = () => join(project, 'node_modules/tessera/scripts/tessera.mjs');

  it('blurs a photo, with nothing but the package and what it depends on', async () => {
    const args = ['photo.jpg', '--kernel', '21', '-o', 'blurred', '--json'];
    const { stdout } = await run(process.execPath, [command(), ...args], { cwd: project });
    const { images } = JSON.parse(stdout) as { images: unknown[] };
    expect(images).toMatchObject([{ input: 'photo.jpg', output: 'blurred/photo_blurred.png' }]);
    expect(await sharp(join(project, 'blurred/photo_blurred.png')).metadata()).toMatchObject({
      width,
      height,
    });
  });

  it('says in one sentence which Node it needs', async ({ skip }) => {
    const node = await nodeOf(20);
    if (node === null) skip('no Node 20 here');
    const failed = run(node ?? '', [command(), 'photo.jpg'], { cwd: project });
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Tessera needs Node 24\.0 or later; this is Node 20\S+\n$/) as string,
    });
  });

  it.each(['package', 'clone'])('prints its version in a %s', async (place) => {
    const path = place === 'clone' ? join(root, 'scripts/tessera.mjs') : command();
    const { stdout } = await run(process.execPath, [path, '--version'], { cwd: project });
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(stdout).toBe(`tessera ${version}\n`);
  });
});

describe.each([20, 22, 24])('on Node %i', (major) => {
  it('tessera/jimp reads, blurs and writes; tessera/jimp-plugin blurs in the same way', async ({ skip }) => {
    const node = await nodeOf(major);
    if (node === null) skip(`no Node ${major} here`);
    await writeFile(
      join(project, 'use.js'),
      `import { createJimp } from '@jimp/core';
       import { Jimp } from 'tessera/jimp';
       import { blurPlugin } from 'tessera/jimp-plugin';
       const image = await Jimp.read('photo.jpg');
       const { data, width, height } = image.bitmap;
       const Plain = createJimp({ plugins: [blurPlugin] });
       const plain = new Plain({ data: Buffer.from(data), width, height }).gaussianBlur(15);
       image.gaussianBlur(15);
       await image.write('blurred.png');
       const again = await Jimp.read('blurred.png');
       const same = image.bitmap.data.equals(plain.bitmap.data) && again.bitmap.data.equals(image.bitmap.data);
       console.log(JSON.stringify({ width, height, same, node: process.version }));`,
    );
    const { stdout } = await run(node ?? '', ['use.js'], { cwd: project });
    const answer = JSON.parse(stdout) as { node: string };
    expect(answer).toMatchObject({ width, height, same: true });
    expect(answer.node).toMatch(new RegExp(`^v${major}\\.`));
  });
});

describe.each([
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
])('for TypeScript with moduleResolution %s', (moduleResolution, module) => {
  it('has types that allow correct calls and refuse wrong ones', async () => {
    await writeFile(
      join(project, 'use.ts'),
      `import { createJimp } from '@jimp/core';
       import { Jimp } from 'tessera/jimp';
       import { blurPlugin } from 'tessera/jimp-plugin';
       const image = await Jimp.read('photo.jpg');
       const file: Buffer = await image.resize({ w: 40 }).gaussianBlur(15).getBuffer('image/png');
       const Plain = createJimp({ plugins: [blurPlugin] });
       new Plain({ width: 3, height: 3 }).gaussianBlur(3);
       // @ts-expect-error A kernel size is a number.
       image.gaussianBlur('15');
       console.log(file.length);`,
    );
    // Jimp's own declarations import a package without types, so skipLibCheck is needed.
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--types', 'node'];
    const tsc = join(packages, 'typescript/bin/tsc');
    const modules = ['--module', module, '--moduleResolution', moduleResolution];
    const checked = run(process.execPath, [tsc, ...options, ...modules, 'use.ts'], { cwd: project });
    expect(await checked.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
      stdout: '',
    });
  });
});
