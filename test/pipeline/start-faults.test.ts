// If something goes wrong, a run of `npm start` ends by itself and says why.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { Scaler } from '../../local/scaler.ts';
import { testInPlace } from '../support/local-run.ts';

const IMAGES = 12;
/** Slow enough that things can go wrong meanwhile. */
const SLOW = ['--kernel', '255', '--tile', '128', '--workers', '1'];

let photos: string;

beforeAll(async () => {
  photos = await mkdtemp(join(tmpdir(), 'tessera-photos-'));
  const file = await toPng(picture(1000, 800), 3);
  for (let at = 0; at < IMAGES; at++) await writeFile(join(photos, `${at}.png`), file);
});
afterAll(() => rm(photos, { recursive: true }));

describe.concurrent('a run', () => {
  testInPlace('ends when its Redis is gone', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const [redis] = await run.pidsOf('redis-server');
    process.kill(redis, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toMatch(/ {2}\S+\.png {2}unfinished: Redis ended/);
    expect(stdout).toMatch(/\d+ not started\nended early: Redis ended\n\d+ of 12 images written/);
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('ends when split is gone', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const [split] = await run.pidsOf('dist/split');
    process.kill(split, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('ended early: split ended (SIGKILL)');
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('continues when its workers are killed', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    for (const worker of await run.pidsOf('dist/blur')) process.kill(worker, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('12 of 12 images written');
    expect(status).toBe(0);
  });

  testInPlace('ends when nothing moves any more', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const stopped = [...(await run.pidsOf('dist/split')), ...(await run.pidsOf('redis-server'))];
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('ended early: nothing has moved for 10 s');
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('ends when its output folder is removed', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    await rm(place.at('out'), { recursive: true, force: true, maxRetries: 5 });
    const { status, stdout } = await run.ended;
    expect(stdout).toContain(`ended early: --out ${place.at('out')} was removed`);
    expect(status).toBe(1);
  });

  testInPlace(
    'says of one result that it cannot be put in its place, and writes the others',
    async ({ place, expect }) => {
      await mkdir(join(place.at('out'), '3_blurred.png'), { recursive: true });
      const { status, stdout } = await place.start(photos, '--out', place.at('out')).ended;
      expect(stdout).toMatch(
        /3\.png {2}failed: \S+3_blurred\.png cannot be written: EISDIR: illegal operation/,
      );
      expect(stdout).toContain('11 of 12 images written');
      expect(status).toBe(1);
    },
  );

  testInPlace('shares its output folder with another', async ({ place, expect }) => {
    const runs = [
      place.start(photos, '--out', place.at('out')),
      place.start(photos, '--out', place.at('out')),
    ];
    for (const { ended } of runs) expect((await ended).status).toBe(0);
    const names = await readdir(place.at('out'));
    expect(names).toHaveLength(IMAGES);
    await place.isClean('out');
  });
});

describe('a pipeline', () => {
  it('says which function cannot start, with its last line, and leaves nothing running', async () => {
    const starting = Pipeline.start({ env: { KEY_PREFIX: 'a key' } });
    await expect(starting).rejects.toThrow(/^(split|assemble) ended \(1\): .*KEY_PREFIX: "a key" is not/);
  });
});

/** Runs `mount` and returns whether it succeeded. */
function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

/** Runs `body` with a disk of 1 MiB at `folder`. Returns false if this user may not mount one. */
async function withSmallDisk(folder: string, body: () => Promise<void>): Promise<boolean> {
  await mkdir(folder);
  if (!mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)) return false;
  try {
    await body();
  } finally {
    execFileSync('umount', ['--lazy', folder]);
  }
  return true;
}

describe.concurrent('a disk that is full or read-only', () => {
  testInPlace('ends a run, with the reason for each image', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), async () => {
      const { status, stdout } = await place.start(photos, '--out', place.at('disk/out')).ended;
      expect(stdout).toMatch(/\.png {2}failed: .*cannot be written \(ENOSPC\)/);
      expect(stdout).toMatch(/ended early: /);
      expect(status).toBe(1);
      await place.isClean('disk/out');
    });
    if (!isDone) skip('no disk can be mounted here');
  });

  testInPlace('ends a run when it becomes read-only', async ({ place, expect, skip }) => {
    const isDone = await withSmallDisk(place.at('disk'), async () => {
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
    const isDone = await withSmallDisk(place.at('disk'), async () => {
      await writeFile(place.at('disk/full'), Buffer.alloc(1 << 20)).catch(() => {});
      const { status, stderr } = await place.start(photos, '--out', place.at('disk/out')).ended;
      expect(stderr).toMatch(/^error: --out \S+ cannot be written: ENOSPC: no space left on device\n$/);
      expect(status).toBe(1);
    });
    if (!isDone) skip('no disk can be mounted here');
  });
});

describe('workers that exit when they start', () => {
  it('are not started for ever', async () => {
    const server = await RedisServer.start();
    const redis = server.connect();
    await redis.lpush('image:job:queue', 'job');
    const failed = Promise.withResolvers<Error>();
    let spawned = 0;
    const scaler = new Scaler({
      redis,
      keyPrefix: 'image',
      target: 4,
      max: 1,
      cooldownMs: 1000,
      pollMs: 20,
      spawn: () => {
        spawned++;
        return new FunctionProcess('blur', { env: { REDIS_URL: 'nowhere' } });
      },
      onFailure: failed.resolve,
    });
    scaler.start();
    expect((await failed.promise).message).toMatch(/^blur ended \(1\): .*REDIS_URL/);
    expect(spawned).toBeGreaterThanOrEqual(3);
    await scaler.stop();
    redis.disconnect();
    await server.stop();
  });
});
