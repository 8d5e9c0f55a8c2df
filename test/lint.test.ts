// Lints files with imports that the layout in docs/ARCHITECTURE.md forbids, and some that it allows.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

/** File → what it imports. */
type Imports = Record<string, string[]>;

const outsideOfPixels = [
  'ioredis',
  'node:http',
  'node:https',
  'https',
  'node:http2',
  'net',
  'node:fs',
  'fs/promises',
  'node:timers/promises',
  'node:perf_hooks',
];

const forbidden: Imports = {
  'functions/split/x.ts': ['../blur/convolver.ts', '../testing/until.ts', '../../scripts/build.ts'],
  'functions/split/x.test.ts': ['../assemble/stitch.ts', '../../test/support/full.ts'],
  'functions/split/cut.ts': ['../blur/convolve/convolve.ts', '../../local/samples.ts', 'node:https'],
  'functions/split/page/x.tsx': [
    'node:fs',
    'ioredis',
    '../routes.ts',
    '../../lib/queue/keys.ts',
    '../../blur/x.ts',
  ],
  'functions/assemble/x.ts': ['../split/cut.ts', '../../local/inputs.ts'],
  'functions/assemble/stitch.ts': ['../blur/convolve/convolve.ts', '../lib/redis/connect.ts'],
  'functions/blur/x.ts': ['../split/cut.ts', '../../chaos/load.ts'],
  'functions/blur/convolve/x.ts': ['../../split/cut.ts', '../../testing/photo.ts', ...outsideOfPixels],
  'functions/blur/filters/x.ts': ['../../../local/samples.ts', '../../lib/config.ts', '../index.ts'],
  'functions/lib/x.ts': ['../split/cut.ts', '../../simulate/model.ts', '../../bench/results.ts'],
  'functions/lib/store/x.ts': ['../../assemble/stitch.ts', '../../../chaos/load.ts'],
  'functions/lib/store/x.test.ts': ['../../blur/convolver.ts', '../../../local/inputs.ts'],
  'functions/lib/image/bands.ts': ['../redis/connect.ts', '../queue/lease-queue.ts', 'node:fs/promises'],
  'functions/lib/image/png/words.ts': [
    '../../../blur/filters/sharpen.ts',
    '../../redis/connect.ts',
    '../../service/serve.ts',
    ...outsideOfPixels,
  ],
  'functions/testing/x.ts': ['../../scripts/build.ts', '../../test/support/full.ts'],
  'local/x.ts': ['../functions/testing/until.ts', '../test/support/full.ts', '../chaos/load.ts'],
  'local/x.test.ts': ['../test/support/full.ts'],
  'scripts/x.ts': ['../functions/testing/until.ts', '../simulate/model.ts', '../chaos/load.ts'],
  'scripts/lib/x.ts': ['../../test/support/full.ts'],
  'scripts/load.ts': ['../functions/testing/until.ts'],
};

const allowed: Imports = {
  'functions/split/x.ts': ['../lib/redis/connect.ts', 'node:http'],
  'functions/split/x.test.ts': ['../testing/until.ts'],
  'functions/split/page/x.tsx': ['preact', './card.tsx', '../../lib/filters/registry.ts'],
  'functions/blur/convolve/x.ts': ['../../lib/image/pixels.ts'],
  'functions/blur/convolve/x.test.ts': ['../../testing/photo.ts', 'node:fs'],
  'functions/lib/image/png/words.ts': ['node:zlib', '../bands.ts'],
  'local/x.ts': ['../scripts/build.ts', '../functions/lib/config.ts'],
  'local/x.test.ts': ['../functions/testing/until.ts'],
  'scripts/load.ts': ['../chaos/load.ts'],
  'chaos/x.ts': ['../functions/testing/until.ts', '../local/inputs.ts'],
};

const rowsOf = (imports: Imports) =>
  Object.entries(imports).flatMap(([file, names]) => names.map((name) => [file, name]));

let folder: string;
const refused = new Set<string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-lint-'));
  await copyFile(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const files = Map.groupBy([...rowsOf(forbidden), ...rowsOf(allowed)], ([file]) => file);
  for (const [file, rows] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), rows.map(([, name]) => `import '${name}';\n`).join(''));
  }
  for (const { filename, code, message } of await lint()) {
    if (code === 'eslint(no-restricted-imports)') refused.add(`${filename}: ${message.split("'")[1]}`);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Returns what the linter reports about the files in `folder`. */
async function lint(): Promise<{ filename: string; code: string; message: string }[]> {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const linted = promisify(execFile)(process.execPath, [oxlint, '--format', 'json'], { cwd: folder });
  // It exits with 1, because it finds errors.
  const { stdout } = await linted.catch((error: { stdout: string }) => error);
  return (JSON.parse(stdout) as { diagnostics: { filename: string; code: string; message: string }[] })
    .diagnostics;
}

describe('the linter', () => {
  it.each(rowsOf(forbidden))('does not let %s import %s', (file, name) => {
    expect(refused).toContain(`${file}: ${name}`);
  });

  it.each(rowsOf(allowed))('lets %s import %s', (file, name) => {
    expect(refused).not.toContain(`${file}: ${name}`);
  });
});
