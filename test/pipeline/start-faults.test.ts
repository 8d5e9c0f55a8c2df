// If something goes wrong, a run of `npm start` ends by itself and says why.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { RedisServer } from '../../local/redis-server.ts';
import { Scaler } from '../../local/scaler.ts';
import { testInPlace } from '../support/local-run.ts';

const root = join(import.meta.dirname, '../..');
const IMAGES = 24;
/** Slow enough that things can go wrong meanwhile. */
const SLOW = ['--kernel', '255', '--tile', '128', '--workers', '1'];

const photo = picture(700, 560);
let photos: string;
/** Some of them, where that is enough. */
const few = () => ['0', '1', '2', '3'].map((name) => join(photos, `${name}.png`));

beforeAll(async () => {
  photos = await mkdtemp(join(tmpdir(), 'tessera-photos-'));
  const file = await toPng(photo, 3);
  for (let at = 0; at < IMAGES; at++) await writeFile(join(photos, `${at}.png`), file);
});
afterAll(() => rm(photos, { recursive: true }));

describe.concurrent('a run', () => {
  testInPlace('ends when its Redis is gone', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const [redis] = run.pidsOf('redis-server');
    process.kill(redis, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toMatch(/ {2}\S+\.png {2}unfinished: Redis ended/);
    expect(stdout).toMatch(/\d+ not started\nended early: Redis ended\n\d+ of 24 images written/);
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('ends when split is gone', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const [split] = run.pidsOf('dist/split');
    process.kill(split, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('ended early: split ended (SIGKILL)');
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('continues when its workers are killed', async ({ place, expect }) => {
    const run = place.start(...few(), '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    for (const worker of run.pidsOf('dist/blur')) process.kill(worker, 'SIGKILL');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('4 of 4 images written');
    expect(status).toBe(0);
  });

  testInPlace('ends when nothing moves any more', async ({ place, expect }) => {
    const run = place.start(photos, '--out', place.at('out'), ...SLOW);
    await run.prints(/0_blurred/);
    const stopped = [...run.pidsOf('dist/split'), ...run.pidsOf('redis-server')];
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const { status, stdout } = await run.ended;
    expect(stdout).toContain('ended early: nothing has moved for 10 s');
    expect(status).toBe(1);
    await place.isClean('out');
  });

  testInPlace('ends with the reason when split refuses every image', async ({ place, expect }) => {
    const args = [join(root, 'scripts/start.mjs'), join(photos, '0.png'), '--out', place.at('out')];
    const run = place.run(process.execPath, args, { REDIS_BUDGET_BYTES: '1000' });
    const { status, stdout } = await run.ended;
    expect(stdout).toMatch(/ended early: nothing has moved for 10 s; split refuses images: .*memory/);
    expect(status).toBe(1);
  });

  testInPlace('says of a file that is no image what it is not', async ({ place, expect }) => {
    const { status, stdout } = await place.start(join(root, 'package.json'), '--out', place.at('out')).ended;
    expect(stdout).toMatch(/package\.json {2}refused: The bytes are neither a PNG nor a JPEG\.\n/);
    expect(status).toBe(1);
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
      const { status, stdout } = await place.start(...few(), '--out', place.at('out')).ended;
      expect(stdout).toMatch(
        /3\.png {2}failed: \S+3_blurred\.png cannot be written: EISDIR: illegal operation/,
      );
      expect(stdout).toContain('3 of 4 images written');
      expect(status).toBe(1);
    },
  );

  testInPlace(
    'runs at the same time as another one, into the same output folder',
    async ({ place, expect }) => {
      const start = () => place.start(...few(), '--out', place.at('out'));
      for (const { ended } of [start(), start()]) expect((await ended).status).toBe(0);
      const names = await readdir(place.at('out'));
      expect(names).toHaveLength(few().length);
      const whole = convolve(photo, 15).data;
      for (const name of names) {
        const { data } = await toPixels(await readFile(place.at('out', name)));
        expect(Buffer.compare(data, whole)).toBe(0);
      }
      await place.isClean('out');
    },
  );
});

describe('a pipeline', () => {
  it('says which function cannot start, with its last line, and leaves nothing running', async () => {
    const starting = Pipeline.start({ env: { KEY_PREFIX: 'a key' } });
    await expect(starting).rejects.toThrow(/^(split|assemble) ended \(1\): .*KEY_PREFIX: "a key" is not/);
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
