// Workers that sleep past their lease, and workers that are stopped with tiles in flight.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../../chaos/nothing-lost.ts';
import { patient, Rig, rigTiles, type Member } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

/** A worker that is paused (SIGSTOP) when the source of its first tile has just arrived. */
async function startSleeper(): Promise<Member> {
  const { worker, passage } = await rig.startWorkerUntil({ step: 'get', moment: 'reply' });
  worker.process.signal('SIGSTOP');
  passage.pass();
  return worker;
}

describe('a worker asleep past its lease', () => {
  test('cannot store its tile when another worker has done it: its ack is stale and changes no byte', async () => {
    const image = await rig.send('a.png');
    const sleeper = await startSleeper();
    const { passage: lastAck } = await rig.startWorkerUntil({
      step: 'ack',
      moment: 'request',
      nth: rigTiles,
    });

    const lateAck = sleeper.proxy.hold({ step: 'ack', moment: 'reply' });
    sleeper.process.signal('SIGCONT');
    const late = await lateAck;
    expect(late.answer).toMatch(/stale$/);
    late.pass();
    lastAck.pass();

    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).fenced).toBeGreaterThanOrEqual(1);
  });

  test('cannot store its tile when the image is done and written', async () => {
    const image = await rig.send('a.png');
    const sleeper = await startSleeper();
    await rig.startWorker();
    await until('the image', async () => (await rig.status(image.id)).status === 'done');

    const lateAck = sleeper.proxy.hold({ step: 'ack', moment: 'reply' });
    sleeper.process.signal('SIGCONT');
    const late = await lateAck;
    expect(late.answer).toMatch(/stale$/);
    late.pass();

    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).fenced).toBeGreaterThanOrEqual(1);
  });

  test('may still ack a tile that nobody else has claimed', async () => {
    const image = await rig.send('a.png');
    const sleeper = await startSleeper();
    await until('the leases to expire', async () => {
      const [seconds, micros] = await rig.redis.time();
      const now = seconds * 1000 + micros / 1000;
      const leases = await rig.redis.zcard('image:job:leases');
      return leases > 0 && (await rig.redis.zcount('image:job:leases', now, '+inf')) === 0;
    });
    sleeper.process.signal('SIGCONT');

    expect(await findFaults(rig, [image])).toEqual([]);
  });
});

describe('a worker asked to stop', () => {
  test('mid-blur releases its tiles without counting the attempt, and exits with 0', async () => {
    // Large tiles and a worker without compiled code, so that a blur takes a while.
    const image = await rig.send('a.png', { kernelSize: 255, width: 900, height: 500, kind: 'opaque' });
    const { worker, passage } = await rig.startWorkerUntil(
      { step: 'get', moment: 'reply' },
      { NODE_OPTIONS: '--jitless', ...patient, DRAIN_MS: '0' },
    );
    passage.pass();
    // When it answers this, it has read everything that was sent to it before.
    await fetch(`${await worker.process.ready()}/health/live`);
    worker.process.signal('SIGTERM');
    await worker.process.exited;
    expect(worker.process.end).toBe(0);
    const stopped = await rig.status(image.id);
    expect(stopped.done).toBeLessThan(stopped.tiles);
    expect(await rig.pending()).toMatchObject({ leases: 0, queue: stopped.tiles - stopped.done });
    expect(stopped.attempts).toBe(stopped.done);

    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await rig.status(image.id)).toMatchObject({ attempts: stopped.tiles, reclaims: 0, fenced: 0 });
  });

  test('with a claim in progress releases that tile too', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil(
      { step: 'get', moment: 'reply' },
      { ...patient, DRAIN_MS: '0' },
    );
    await worker.process.ready();
    worker.process.signal('SIGTERM');
    await until('the time to drain to end', async () =>
      rig.logged.some((line) => line.includes('Tiles are returned to the queue')),
    );
    passage.pass();
    await worker.process.exited;
    expect(worker.process.end).toBe(0);
    expect(await rig.pending()).toMatchObject({ leases: 0, queue: rigTiles });
    expect(await rig.status(image.id)).toMatchObject({ attempts: 0, done: 0 });

    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('finishes the tiles in flight within its drain time and exits with 0', async () => {
    const image = await rig.send('a.png');
    const { worker, passage } = await rig.startWorkerUntil({ step: 'get', moment: 'reply', nth: 2 }, patient);
    worker.process.signal('SIGTERM');
    passage.pass();
    await worker.process.exited;
    expect(worker.process.end).toBe(0);
    const stopped = await rig.status(image.id);
    expect(stopped.done).toBeGreaterThan(0);
    expect(stopped.done).toBeLessThan(rigTiles);
    expect(stopped.attempts).toBe(stopped.done);

    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await rig.status(image.id)).toMatchObject({ attempts: rigTiles, reclaims: 0 });
  });
});
