// The register of workers, as GET /queue shows it.
import { beforeAll, describe, expect, test } from 'vitest';
import { Workers } from '../../functions/lib/queue/workers.ts';
import { PREFIX, START_MS, useRig } from './rig.ts';

const on = useRig();
let workers: Workers;
beforeAll(() => {
  workers = new Workers(on.rig.redis, PREFIX, () => on.rig.now);
});

const load = { uptimeMs: 300, inFlight: 2, done: 7 };

describe('a worker', () => {
  test('is listed with its last report and the time of its start', async () => {
    await workers.beat('a', load);
    on.rig.now += 1000;
    await workers.beat('a', { uptimeMs: 1400, inFlight: 0, done: 9 });
    await workers.beat('b', { uptimeMs: 5000, inFlight: 1, done: 0 });
    const seen = START_MS + 1000;
    expect(await workers.list()).toEqual({
      now: seen,
      workers: [
        { id: 'b', since: seen - 5000, seen, inFlight: 1, done: 0, state: 'up' },
        { id: 'a', since: START_MS - 300, seen, inFlight: 0, done: 9, state: 'up' },
      ],
    });
  });

  test('that leaves is not listed any more', async () => {
    await workers.beat('a', load);
    await workers.leave('a');
    expect((await workers.list()).workers).toEqual([]);
    expect(await on.rig.redis.keys('*')).toEqual([]);
  });

  test('that was killed is lost after five seconds, and forgotten after a minute more', async () => {
    await workers.beat('a', load);
    const states = [];
    for (const silenceMs of [5000, 5001, 65_000, 65_001]) {
      on.rig.now = START_MS + silenceMs;
      states.push((await workers.list()).workers.map(({ state }) => state));
    }
    expect(states).toEqual([['up'], ['lost'], ['lost'], []]);
    await workers.beat('b', load);
    expect(await on.rig.redis.hkeys(`${PREFIX}:worker-states`)).toEqual(['b']);
  });

  test('that was killed before the clock was set back is forgotten too', async () => {
    await workers.beat('a', load);
    on.rig.now -= 500_000;
    await workers.beat('b', load);
    on.rig.now += 65_001;
    expect((await workers.list()).workers).toEqual([]);
  });
});

test('there are at most a thousand, and those that are known stay', async () => {
  await Promise.all(Array.from({ length: 1000 }, (_, n) => workers.beat(`worker ${n}`, load)));
  expect(await workers.beat('one more', load)).toBe('full');
  expect(await workers.beat('worker 7', load)).toBe('noted');
  expect((await workers.list()).workers).toHaveLength(1000);
});

test('nothing is left some time after all workers have gone', async () => {
  await workers.beat('a', load);
  for (const key of await on.rig.redis.keys('*')) {
    const ttlMs = await on.rig.redis.pttl(key);
    expect(ttlMs).toBeGreaterThan(100_000);
    expect(ttlMs).toBeLessThanOrEqual(130_000);
  }
});
