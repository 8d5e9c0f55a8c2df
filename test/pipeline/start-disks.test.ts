// What a run of `npm start` says about disks and folders that cannot be written.
import { afterAll, beforeAll, describe } from 'vitest';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { testInPlace } from '../support/local-run.ts';

const START = join(import.meta.dirname, '../../scripts/start.mjs');
const IMAGES = 6;
/** Slow enough that things can go wrong meanwhile. */
const SLOW = ['--kernel', '255', '--tile', '128', '--workers', '1'];

let photos: string;

beforeAll(async () => {
  photos = await mkdtemp(join(tmpdir(), 'tessera-photos-'));
  const file = await toPng(picture(1000, 800), 3);
  for (let at = 0; at < IMAGES; at++) await writeFile(join(photos, `${at}.png`), file);
});
afterAll(() => rm(photos, { recursive: true }));

/** Runs `mount` and returns whether it succeeded. */
function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

/** Runs `body` with a disk of `kib` KiB at `folder`. Returns false if this user may not mount one. */
async function withSmallDisk(folder: string, kib: number, body: () => Promise<void>): Promise<boolean> {
  await mkdir(folder);
  if (!mount('-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder)) return false;
  try {
    await body();
  } finally {
    execFileSync('umount', ['--lazy', folder]);
  }
  return true;
}

describe.concurrent('a disk that is full or read-only', () => {
  testInPlace('ends a run, with the reason for each image', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), 400, async () => {
      const { status, stdout } = await place.start(photos, '--out', place.at('disk/out')).ended;
      expect(stdout).toMatch(/\.png {2}failed: .*cannot be written \(ENOSPC\)/);
      expect(stdout).toMatch(/ended early: /);
      expect(status).toBe(1);
      await place.isClean('disk/out');
    });
    if (!isDone) skip('no disk can be mounted here');
  });

  testInPlace('ends a run when it becomes read-only', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), 1024, async () => {
      const run = place.start(photos, '--out', place.at('disk/out'), ...SLOW);
      await run.prints(/_blurred/);
      // Not while a file is being written there.
      await until('the disk to be read-only', () => mount('-o', 'remount,ro', place.at('disk')));
      const { status, stdout, stderr } = await run.ended;
      expect(stdout).toMatch(/ended early: --out \S+ cannot be written: EROFS: read-only file system\n/);
      expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    });
    if (!isDone) skip('no disk can be mounted here');
  });

  testInPlace('is noticed before anything starts', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), 1024, async () => {
      await writeFile(place.at('disk/full'), Buffer.alloc(1 << 20)).catch(() => {});
      const { status, stderr } = await place.start(photos, '--out', place.at('disk/out')).ended;
      expect(stderr).toMatch(/^error: --out \S+ cannot be written: ENOSPC: no space left on device\n$/);
      expect(status).toBe(1);
    });
    if (!isDone) skip('no disk can be mounted here');
  });
});

describe.concurrent('a temporary folder', () => {
  for (const args of [['photo.png'], ['--serve', '--port', '0']]) {
    testInPlace(`that does not exist is one line: ${args[0]}`, async ({ place, expect }) => {
      await writeFile(place.at('photo.png'), '');
      const { status, stderr } = await place.run(process.execPath, [START, ...args], {
        TMPDIR: '/nonexistent',
      }).ended;
      expect(stderr).toBe(
        'error: no temporary folder can be made in /nonexistent: ENOENT: no such file or directory\n',
      );
      expect(status).toBe(1);
    });
  }

  testInPlace('that becomes read-only does not stop a run', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), 1024, async () => {
      const args = [START, photos, '--out', place.at('out'), ...SLOW];
      const run = place.run(process.execPath, args, { TMPDIR: place.at('disk') });
      await run.prints(/_blurred/);
      await until('the disk to be read-only', () => mount('-o', 'remount,ro', place.at('disk')));
      const { status, stdout, stderr } = await run.ended;
      expect(stdout).toContain(`${IMAGES} of ${IMAGES} images written`);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });
    if (!isDone) skip('no disk can be mounted here');
  });
});
