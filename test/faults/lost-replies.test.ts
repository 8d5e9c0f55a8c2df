// A script has run but its reply never arrives: the connection is cut before the reply, or in the middle of
// it. The client sends the script again, and it must take effect once.
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

const saysSomething = ({ answer }: Pick<Passage, 'answer'>) => answer !== '';
const saysLast = ({ answer }: Pick<Passage, 'answer'>) => answer.endsWith('last');

/** Before the first byte, and in the full form also in the middle. */
const losses = isFull ? (['cut', 'tear'] as const) : (['cut'] as const);

describe.each(losses)('a reply lost (%s)', (loss) => {
  /** Runs the step, and loses its reply. */
  const lose = async (stopped: Promise<Passage>) => (await stopped)[loss]();

  test.each([
    { name: 'a claim', step: 'claim', where: saysSomething },
    { name: 'a source', step: 'get' },
    { name: 'an ack', step: 'ack', nth: 3 },
    { name: 'the last ack', step: 'ack', where: saysLast },
    { name: 'a due event', step: 'due', where: saysSomething },
  ] satisfies (Omit<Stop, 'moment'> & { name: string })[])('of $name takes effect once', async (step) => {
    const image = await rig.send('a.png');
    const { passage } = await rig.startWorkerUntil({ ...step, moment: 'reply' }, patient);
    passage[loss]();
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(await rig.status(image.id)).toMatchObject({ attempts: rigTiles, reclaims: 0, fenced: 0 });
  });

  test.runIf(isFull)('of an extension keeps the lease with its claim', async () => {
    // A worker without compiled code and with many tiles in flight takes longer than a third of its lease.
    const image = await rig.send('a.png', { kernelSize: 255, width: 900, height: 500 });
    const { passage } = await rig.startWorkerUntil(
      { step: 'extend', moment: 'reply' },
      { NODE_OPTIONS: '--jitless', LEASE_MS: '100', CONCURRENCY: '16' },
    );
    passage[loss]();
    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
  });

  test('of a failure counts one attempt', async () => {
    const image = await rig.send('a.png');
    await rig.redis.set(`image:${image.id}:src:4`, 'no pixels');
    const { passage } = await rig.startWorkerUntil(
      { step: 'fail', moment: 'reply' },
      { ...patient, MAX_ATTEMPTS: '3' },
    );
    passage[loss]();
    await until('the tile to be given up', async () => (await rig.status(image.id)).dead.length > 0);
    expect(await findFaults(rig, [], { givenUp: [image.id] })).toEqual(['no image was checked']);
    expect(await rig.status(image.id)).toMatchObject({ attempts: rigTiles + 2, fenced: 0 });
  });

  test('of a release gives back one attempt', async () => {
    const image = await rig.send('a.png');
    // The acks wait behind the source, so the worker has a tile in flight when it must stop.
    const { worker, passage } = await rig.startWorkerUntil(
      { step: 'ack', moment: 'request' },
      { ...patient, DRAIN_MS: '100' },
    );
    const stopped = worker.proxy.hold({ step: 'release', moment: 'reply' });
    passage.cut();
    void stopped.then((reply) => reply[loss]());
    worker.process.signal('SIGTERM');
    await worker.process.exited;
    await rig.startWorker(patient);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect((await rig.status(image.id)).attempts).toBe(rigTiles);
  });

  test.each(['begin', 'enqueue'] as const)(
    'of %s: the same request again completes the image',
    async (step) => {
      const stopped = rig.split.proxy.hold({ step, moment: 'reply' });
      const first = rig.post('a.png');
      await lose(stopped);
      expect([202, 503]).toContain((await first).response.status);
      await rig.split.process.healthy();
      const image = await rig.send('a.png');
      await rig.startWorker(patient);
      expect(await findFaults(rig, [image])).toEqual([]);
      expect((await rig.status(image.id)).attempts).toBe(rigTiles);
    },
  );

  test('of a cancellation: the repeated request confirms it, and nothing is left', async () => {
    const cancelled = await rig.send('a.png');
    const stopped = rig.split.proxy.hold({ step: 'cancel', moment: 'reply' });
    const first = rig.cancel(cancelled.id);
    await lose(stopped);
    expect((await first).status).toBe(503);
    await rig.split.process.healthy();
    expect((await rig.cancel(cancelled.id)).status).toBe(200);
    const other = await rig.send('bb.png');
    await rig.startWorker(patient);
    expect(await findFaults(rig, [other], { givenUp: [cancelled.id] })).toEqual([]);
  });

  test('of the end of an image: the event arrives again and changes nothing', async () => {
    const stopped = rig.assemble.proxy.hold({ step: 'finish', moment: 'reply' });
    const image = await rig.send('a.png');
    await rig.startWorker(patient);
    await lose(stopped);
    expect(await findFaults(rig, [image])).toEqual([]);
  });
});
