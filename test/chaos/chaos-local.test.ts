// scripts/chaos.sh on this machine, run like a user would.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';

const RUN_MS = 110_000;
/** A large kernel, so that tiles take long enough to be in flight when the script looks, on a busy machine too. */
const kernel = ['--kernel', '255'];
let folder: string;
let image: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-chaos-test-'));
  image = join(folder, 'picture.png');
  await writeFile(image, await toPng(picture(1400, 1000), 3));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  code: number;
  lines: string[];
  stderr: string;
}

async function chaos(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile('scripts/chaos.sh', args, { timeout: RUN_MS }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, lines: stdout.trim().split('\n'), stderr });
    });
  });
}

const tiles = 24;
const leaseLine = `queue=lease expected=${tiles} processed=${tiles} jobs_in_queue=0 results_in_queue=0 in_flight=0 missing=0 output=present`;
const naiveLine =
  /^queue=naive expected=24 processed=(\d+) jobs_in_queue=0 results_in_queue=0 in_flight=0 missing=(\d+) output=absent$/;

/** Checks what a naive run printed: it lost exactly the tiles that it lists. */
function expectLoss(lines: string[]): void {
  // A run that proves nothing is repeated, and says so in a line that begins in the same way.
  const line = lines.find((each) => each.startsWith('queue=naive expected=')) ?? lines.join('\n');
  expect(line).toMatch(naiveLine);
  const [, processed, missing] = naiveLine.exec(line) ?? [];
  expect(Number(missing)).toBeGreaterThan(0);
  expect(Number(processed) + Number(missing)).toBe(tiles);
  const named = lines.find((line) => line.startsWith('missing tiles: '))?.slice('missing tiles: '.length);
  expect(named?.split(' ').length).toBe(Number(missing));
}

describe('chaos.sh', () => {
  test.each(Array.from({ length: isFull ? 10 : 1 }, (_, run) => run + 1))(
    'shows that the naive queue loses tiles and the lease queue none (run %i)',
    async () => {
      const { code, lines, stderr } = await chaos('--queue', 'both', '--image', image, ...kernel);
      expect(stderr).toBe('');
      expectLoss(lines);
      expect(lines).toContain(leaseLine);
      expect(lines).toContainEqual(
        expect.stringMatching(/^tiles in flight when killed +[1-9]\d* +[1-9]\d*$/),
      );
      expect(code).toBe(0);
    },
  );

  test.runIf(isFull)('exits with 1 when tiles are missing, and leaves nothing behind', async () => {
    const before = await readdir(tmpdir());
    const { code, lines } = await chaos('--queue', 'naive', '--image', image, ...kernel, '--kills', '2');
    expect(code).toBe(1);
    expectLoss(lines);
    const after = await readdir(tmpdir());
    expect(after.filter((name) => name.startsWith('tessera-chaos-') && !before.includes(name))).toEqual([]);
  });

  test.runIf(isFull)('loses nothing in lease mode however often the workers are killed', async () => {
    const { code, lines } = await chaos(
      '--queue',
      'lease',
      '--image',
      image,
      ...kernel,
      '--kills',
      '3',
      '--workers',
      '2',
    );
    expect(lines.at(-1)).toBe(leaseLine);
    expect(lines.filter((line) => line.startsWith('killed')).length).toBe(3);
    expect(code).toBe(0);
  });

  test.each([
    ['--queue', 'fast'],
    ['--kernel', '4'],
    ['--kills', '0'],
    ['--image', '/nowhere.png'],
    ['--target', 'moon'],
    ['--unknown'],
    ['--image', 'package.json', '--queue', 'lease'],
  ])('exits with 2 when called with %s %s', async (...args) => {
    const { code, stderr } = await chaos(...args.filter((each) => each !== undefined));
    expect(code).toBe(2);
    expect(stderr).not.toBe('');
  });

  test('prints its usage', async () => {
    const { code, lines } = await chaos('--help');
    expect(code).toBe(0);
    expect(lines.join('\n')).toContain('--queue MODE');
  });
});
