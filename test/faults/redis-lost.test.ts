// Redis crashes and comes back from its append-only file, forgets its scripts, or cuts its clients off.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import type { Passage, Stop } from '../../chaos/redis-proxy.ts';
import { patient, Rig, rigTiles } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

async function restartRedis(): Promise<void> {
  await rig.redisServer.kill();
  await rig.redisServer.restart();
}

interface Point extends Stop {
  when: string;
}

const saysLast = ({ answer }: Pick<Passage, 'answer'>) => answer.endsWith('last');
const workerPoints: Point[] = [
  { when: 'before an ack', step: 'ack', moment: 'request', nth: 3 },
  { when: 'as a tile is claimed', step: 'claim', moment: 'reply', nth: 3 },
  { when: 'after the last ack', step: 'ack', moment: 'reply', where: saysLast },
  { when: 'as the event is asked for', step: 'due', moment: 'reply', where: ({ answer }) => answer !== '' },
  { when: 'after an ack', step: 'ack', moment: 'reply', nth: 3 },
];

/** What may happen to a Redis that keeps all its data. */
const faults = {
  'a crash and restart of Redis': restartRedis,
  'SCRIPT FLUSH': () => rig.redis.script('FLUSH'),
  'CLIENT KILL': () => rig.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
};

describe.each(Object.entries(faults))('%s', (_, happens) => {
  // If Redis keeps its data, it makes little difference when this happens, so the short form tests one
  // moment. Redis reads its file again after a crash, so there it tests one of each kind.
  const isShort = !isFull && happens !== restartRedis;
  const points = isFull ? workerPoints : workerPoints.slice(0, isShort ? 1 : 4);
  test.each(points)('$when loses nothing', async (point) => {
    const image = await rig.send('a.png');
    const { passage } = await rig.startWorkerUntil(point);
    await happens();
    passage.pass();
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).attempts).toBeGreaterThanOrEqual(rigTiles);
  });

  test('while split enqueues: the request may fail, and sent again it completes the image', async () => {
    const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: 5 });
    const first = rig.post('a.png');
    const passage = await stopped;
    await happens();
    passage.pass();
    expect([202, 503]).toContain((await first).response.status);
    const image = await rig.send('a.png');
    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).attempts).toBe(rigTiles);
  });

  test.skipIf(isShort)('while assemble closes the image: it is closed, with its output whole', async () => {
    const stopped = rig.assemble.proxy.hold({ step: 'finish', moment: 'reply' });
    const image = await rig.send('a.png');
    await rig.startWorker();
    const passage = await stopped;
    await happens();
    passage.pass();
    expect(await findFaults(rig, [image])).toEqual([]);
  });
});

async function setting(name: string): Promise<string> {
  const [, value] = (await rig.redis.call('CONFIG', 'GET', name)) as [string, string];
  return value;
}

/** Copies the current append-only file, and restores it. */
async function copyAof(): Promise<() => Promise<void>> {
  const [folder, name] = await Promise.all(['dir', 'appenddirname'].map(setting));
  const file = join(folder, name);
  const copy = join(folder, 'copy');
  await cp(file, copy, { recursive: true });
  return async () => {
    await rig.redisServer.kill();
    await rm(file, { recursive: true });
    await cp(copy, file, { recursive: true });
    await rig.redisServer.restart();
  };
}

describe('a power loss that loses the end of the append-only file', () => {
  test('repeats tiles and the event, and writes the same output again', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 5 });
    const goBack = await copyAof();
    passage.pass();
    await until('the image', async () => (await rig.status(image.id)).status === 'done');
    const repeated = worker.proxy.hold({ step: 'ack', moment: 'request' });
    await goBack();
    (await repeated).pass();
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('forgets an image accepted at that time; the same request completes it', async () => {
    const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: 5 });
    const first = rig.post('a.png');
    const passage = await stopped;
    const goBack = await copyAof();
    passage.pass();
    expect((await first).response.status).toBe(202);
    await goBack();
    expect(await rig.redis.llen('image:job:queue')).toBe(4);

    await rig.startWorker();
    const image = await rig.send('a.png');
    expect(await findFaults(rig, [image])).toEqual([]);
  });
});
