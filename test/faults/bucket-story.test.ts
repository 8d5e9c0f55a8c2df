// The whole path: pictures are put into a bucket, its service tells split, blurred pictures are written to it, and
// the receiver is told, although split, the workers and assemble are killed on the way.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { kill, Rig } from '../../chaos/rig.ts';
import { BUCKET, notificationOf, postEvent } from '../support/bucket-events.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { S3Front, s3Environment } from '../support/s3-front.ts';

const names = ['holidays/beach.png', 'holidays/sub/hills.png', 'holidays/été (1).png'];
const kernel = 9;
const drawn = (name: string) => picture(300, 200, 'soft-alpha', name.length);

let s3: S3Front;
let receiver: EventReceiver;
let rig: Rig;
beforeAll(async () => {
  s3 = await S3Front.start([BUCKET]);
  receiver = await EventReceiver.start();
  rig = await Rig.start({
    ...s3Environment(s3.endpoint),
    INPUT_PATH: `s3://${BUCKET}/in`,
    OUTPUT_PATH: `s3://${BUCKET}/out`,
    DONE_SINK: receiver.url,
  });
});
afterAll(async () => {
  await rig.stop();
  await receiver.close();
  await s3.stop();
});

/** Sends split the event about the pictures, as the bucket's service does, and returns their ids. */
async function notify(): Promise<string[]> {
  const url = `${await rig.split.process.ready()}/events`;
  const { status, images } = await postEvent(url, notificationOf('in/', ...names.map((key) => ({ key }))));
  expect(status).toBe(202);
  expect(images.map(({ name }) => name)).toEqual(names);
  return images.map(({ id }) => id);
}

it('each picture that is put into a bucket is blurred once, and the receiver is told', async () => {
  for (const name of names) await s3.put(`${BUCKET}/in/${name}`, await toPng(drawn(name)));

  // split dies while it queues the second picture. The service sends its event again.
  const stopped = rig.split.proxy.hold({ step: 'begin', moment: 'reply', nth: 2 });
  const cutOff = notify().catch(() => null);
  const passage = await stopped;
  await kill(rig.split);
  passage.cut();
  expect(await cutOff).toBeNull();
  await rig.startSplit();
  const ids = await notify();

  // Workers die with a tile in flight, assemble while it writes a result.
  for (const step of ['get', 'ack'] as const) {
    const doomed = await rig.startWorkerUntil({ step, moment: 'request', nth: 3 });
    await kill(doomed.worker);
    doomed.passage.cut();
  }
  const writing = Promise.withResolvers<void>();
  s3.trouble = ({ method }) => {
    if (method !== 'PUT') return null;
    writing.resolve();
    return 'cut before it arrives';
  };
  const last = await rig.startWorker();
  await writing.promise;
  await kill(rig.assemble);
  await kill(last);
  s3.trouble = () => null;
  await rig.startAssemble();
  await rig.startWorker();

  await until('everyone to be told', () => new Set(receiver.all('ce-subject')).size === names.length, 60_000);
  expect([...new Set(receiver.all('ce-subject'))].sort()).toEqual([...ids].sort());
  expect(new Set(receiver.all('ce-type'))).toEqual(new Set(['dev.tessera.image.done.v1']));
  const outputs = names.map((name) => name.replace('.png', '_blurred.png'));
  expect(await s3.names(`${BUCKET}/out/`)).toEqual(outputs);
  for (const [at, name] of names.entries()) {
    const { data } = await toPixels(await s3.get(`${BUCKET}/out/${outputs[at]}`));
    expect(Buffer.compare(data, convolve(drawn(name), kernel).data)).toBe(0);
  }
  const told = receiver.received.map(({ body }) => JSON.parse(body) as Record<string, { location: string }>);
  expect(new Set(told.map(({ input, output }) => `${input.location} ${output.location}`))).toEqual(
    new Set(
      names.map(
        (name, at) => `s3://${BUCKET}/in/${encodeURI(name)} s3://${BUCKET}/out/${encodeURI(outputs[at])}`,
      ),
    ),
  );

  // The same event again finds everything done, and writes nothing.
  s3.seen.length = 0;
  expect(await notify()).toEqual(ids);
  expect(s3.requests('PUT')).toEqual([]);
});
