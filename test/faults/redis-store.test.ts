// With STORE=redis: if a process is killed while it sends bytes to Redis, nothing of them stays, and the
// image is still completed.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { RECORD_BYTES } from '../../functions/lib/queue/record-bytes.ts';
import { toPixels } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { kill, patient, Rig, type SentImage } from '../../chaos/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ STORE: 'redis' });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

/** Returns the keys of staged bytes, with the seconds until they expire. */
async function staged(): Promise<[key: string, ttlS: number][]> {
  const keys = await rig.redis.keys('image:*:new:*');
  return Promise.all(keys.map(async (key): Promise<[string, number]> => [key, await rig.redis.ttl(key)]));
}

async function expectStagedToExpire(): Promise<void> {
  const left = await staged();
  expect(left.length).toBeGreaterThan(0);
  for (const [, ttlS] of left) {
    expect(ttlS).toBeGreaterThan(0);
    expect(ttlS).toBeLessThanOrEqual(600);
  }
}

/** Waits until the image is done, and compares its result with the blur of the whole image. */
async function expectResult({ id, bitmap, kernelSize }: SentImage): Promise<void> {
  await until('the image to be done', async () => (await rig.status(id)).status === 'done');
  const response = await fetch(`${await rig.split.process.ready()}/images/${id}/result`);
  const { data } = await toPixels(await response.bytes());
  expect(Buffer.compare(data, convolve(bitmap, kernelSize).data)).toBe(0);
}

test.each([
  ['has sent', 'hset', 'reply'],
  ['hands over', 'take-blob', 'request'],
] as const)(
  'assemble killed when it %s a result leaves a part that expires, and the result is written',
  async (_what, step, moment) => {
    const stopped = rig.assemble.proxy.hold({ step, moment });
    const image = await rig.send('a.png');
    await rig.startWorker(patient);
    const passage = await stopped;
    await kill(rig.assemble);
    passage.cut();
    await expectStagedToExpire();
    await rig.startAssemble();
    await expectResult(image);
  },
);

test('assemble killed between its result and the finish: the result is written again', async () => {
  const stopped = rig.assemble.proxy.hold({ step: 'finish', moment: 'request' });
  const image = await rig.send('a.png');
  await rig.startWorker(patient);
  const passage = await stopped;
  await kill(rig.assemble);
  passage.cut();
  expect(await rig.redis.exists(`image:${image.id}:result`)).toBe(1);
  await rig.startAssemble();
  await expectResult(image);
  expect(await staged()).toEqual([]);
});

test('an image cancelled while its result is written keeps none of it', async () => {
  const stopped = rig.assemble.proxy.hold({ step: 'take-blob', moment: 'request' });
  const image = await rig.send('a.png');
  await rig.startWorker(patient);
  const passage = await stopped;
  expect((await rig.cancel(image.id)).status).toBe(200);
  passage.pass();
  await until('what was staged to go', async () => (await staged()).length === 0);
  expect(await rig.redis.keys(`image:${image.id}:*`)).toEqual([`image:${image.id}:meta`]);
});

test('split killed while it keeps the upload leaves a part that expires, and the image is blurred', async () => {
  const stopped = rig.split.proxy.hold({ step: 'take-blob', moment: 'request' });
  const sent = rig.post('a.png').catch(() => null);
  const passage = await stopped;
  await kill(rig.split);
  passage.cut();
  await sent;
  await expectStagedToExpire();
  await rig.startSplit();
  const image = await rig.send('a.png');
  await rig.startWorker(patient);
  await expectResult(image);
});

test('at the memory limit the result of an image is written, and the image is done', async () => {
  const image = await rig.send('a.png');
  await rig.redis.config('SET', 'maxmemory', '1');
  try {
    await rig.startWorker(patient);
    await until('the image to be done', async () => (await rig.status(image.id)).status === 'done');
  } finally {
    await rig.redis.config('SET', 'maxmemory', '0');
  }
  await expectResult(image);
});

test('a split that died holds its memory, including the upload, until its image is cancelled', async () => {
  const stopped = rig.split.proxy.hold({ step: 'enqueue', moment: 'request', nth: 3 });
  const sent = rig.post('a.png').catch(() => null);
  const passage = await stopped;
  await kill(rig.split);
  passage.cut();
  await sent;
  const [id] = await rig.redis.hkeys('image:admitted');
  await rig.startSplit();
  expect((await rig.cancel(id)).status).toBe(200);
  expect(await rig.redis.keys(`image:${id}:*`)).toEqual([`image:${id}:meta`]);
  expect(await rig.redis.hgetall('image:admitted')).toEqual({ [id]: String(RECORD_BYTES) });
});
