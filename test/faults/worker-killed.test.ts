// Workers die by SIGKILL at every step of a tile. Another worker must complete the image.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isFull } from '../support/full.ts';
import { findFaults } from '../../chaos/nothing-lost.ts';
import type { Passage, Stop } from '../../chaos/redis-proxy.ts';
import { kill, Rig, rigTiles, unhurried } from '../../chaos/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

interface Death extends Stop {
  when: string;
  /** Lets the step pass before the worker dies. */
  passes?: boolean;
  /** Claims that died with a tile in flight. */
  lostClaims: number;
}

const saysSomething = ({ answer }: Pick<Passage, 'answer'>) => answer !== '';
const saysLast = ({ answer }: Pick<Passage, 'answer'>) => answer.endsWith('last');

/** Starts a worker and kills it at the step. */
async function startDoomed(stop: Stop, passes = false): Promise<void> {
  const { worker, passage } = await rig.startWorkerUntil(stop);
  if (passes) {
    // Its later steps must not reach Redis.
    void worker.proxy.hold({ step: 'ack', moment: 'request' });
    passage.pass();
  }
  await kill(worker);
  passage.cut();
}

/** The last ones are in the full form only: for Redis they are the same as one of the others. */
const deaths: Death[] = [
  { when: 'after its claim', step: 'claim', moment: 'reply', where: saysSomething, lostClaims: 1 },
  { when: 'mid-blur', step: 'get', moment: 'reply', passes: true, lostClaims: 1 },
  { when: 'before its ack', step: 'ack', moment: 'request', lostClaims: 1 },
  { when: 'after its ack', step: 'ack', moment: 'reply', lostClaims: 0 },
  { when: 'before its claim', step: 'claim', moment: 'request', lostClaims: 0 },
  { when: 'before it fetched the source', step: 'get', moment: 'request', lostClaims: 1 },
];

/** Which of the image's tiles the worker dies with. */
const nths = isFull ? [1, 2, 6, rigTiles] : [3];

describe.each(nths)('a worker killed with tile number %i', (nth) => {
  test.each(isFull ? deaths : deaths.slice(0, 4))('$when loses none', async (death) => {
    const image = await rig.send('a.png');
    await startDoomed({ ...death, nth }, death.passes);
    await rig.startWorker();

    expect(await findFaults(rig, [image])).toEqual([]);
    const status = await rig.status(image.id);
    expect(status.attempts).toBeGreaterThanOrEqual(rigTiles + death.lostClaims);
    expect(status.reclaims).toBeGreaterThanOrEqual(death.lostClaims);
  });
});

describe('a worker killed', () => {
  test.each([
    {
      when: 'before it got the reply to its last ack',
      stop: { step: 'ack', moment: 'reply', where: saysLast },
    },
    { when: 'before it asked for the event', stop: { step: 'due', moment: 'request' }, isBlurred: true },
    { when: 'before it got the event', stop: { step: 'due', moment: 'reply', where: saysSomething } },
  ] satisfies { when: string; stop: Stop; isBlurred?: boolean }[])(
    '$when leaves the event to the next worker',
    async ({ stop, isBlurred = false }) => {
      const image = await rig.send('a.png');
      if (isBlurred) await startDoomed({ step: 'ack', moment: 'reply', where: saysLast });
      await startDoomed(stop);
      expect(rig.gate.posted).toEqual([]);
      expect((await rig.status(image.id)).status).toBe('blurred');

      await rig.startWorker();
      expect(await findFaults(rig, [image])).toEqual([]);
    },
  );

  test.each([
    { when: 'before the event reached assemble', reaches: false },
    { when: 'after assemble accepted the event', reaches: true },
  ])('$when loses no image', async ({ reaches }) => {
    const image = await rig.send('a.png');
    const posted = Promise.withResolvers<void>();
    const died = Promise.withResolvers<void>();
    rig.gate.handle = async (event, forward) => {
      rig.gate.handle = (next, on) => on(next);
      if (reaches) await forward(event);
      posted.resolve();
      await died.promise;
      return 'cut';
    };
    const doomed = await rig.startWorker(unhurried);
    await posted.promise;
    await kill(doomed);
    died.resolve();

    await rig.redis.zadd('image:outbox', 'XX', 0, image.id); // As if the time until it is sent again had passed.
    await rig.startWorker(unhurried);
    expect(await findFaults(rig, [image])).toEqual([]);
    expect(rig.gate.posted.length).toBe(reaches ? 1 : 2);
  });
});
