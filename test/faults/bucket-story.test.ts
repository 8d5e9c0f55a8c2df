// The whole story: pictures are put into a bucket, blurred ones come out of it, and someone is told, although
// split, the workers and assemble are killed on the way.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { kill, Rig } from '../../chaos/rig.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { S3Front, s3Environment } from '../support/s3-front.ts';

const names = ['holidays/beach.png', 'holidays/sub/hills.png', 'holidays/été (1).png'];
const kernel = 9;
const drawn = (name: string) => picture(300, 200, 'soft-alpha', name.length);

let s3: S3Front;
let receiver: EventReceiver;
let rig: Rig;
beforeAll(async () => {
  s3 = await S3Front.start(['pictures']);
  receiver = await EventReceiver.start();
  rig = await Rig.start({
    ...s3Environment(s3.endpoint),
    INPUT_PATH: 's3://pictures/in',
    OUTPUT_PATH: 's3://pictures/out',
    DONE_SINK: receiver.url,
  });
});
afterAll(async () => {
  await rig.stop();
  await receiver.close();
  await s3.stop();
});

/** Asks for the pictures in the folder, and returns their ids. The same request again means the same images. */
async function request(): Promise<string[]> {
  const response = await fetch(await rig.split.process.ready(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'holidays/', kernel }),
  });
  const { images } = (await response.json()) as { images: { id: string; name: string }[] };
  expect(images.map(({ name }) => name)).toEqual(names);
  return images.map(({ id }) => id);
}

it('pictures put into a bucket come out blurred, each once, and someone is told', async () => {
  for (const name of names) await s3.put(`pictures/in/${name}`, await toPng(drawn(name)));
  await s3.put('pictures/in/holidays/notes.txt', Buffer.from('no picture'));

  // split dies while it queues the second picture.
  const stopped = rig.split.proxy.hold({ step: 'begin', moment: 'reply', nth: 2 });
  const cutOff = request().catch(() => null);
  const passage = await stopped;
  await kill(rig.split);
  passage.cut();
  expect(await cutOff).toBeNull();
  await rig.startSplit();
  const ids = await request();

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
  expect(await s3.names('pictures/out/')).toEqual(outputs);
  for (const [at, name] of names.entries()) {
    const { data } = await toPixels(await s3.get(`pictures/out/${outputs[at]}`));
    expect(Buffer.compare(data, convolve(drawn(name), kernel).data)).toBe(0);
  }
  const told = receiver.received.map(({ body }) => JSON.parse(body) as Record<string, { location: string }>);
  expect(new Set(told.map(({ input, output }) => `${input.location} ${output.location}`))).toEqual(
    new Set(
      names.map(
        (name, at) => `s3://pictures/in/${encodeURI(name)} s3://pictures/out/${encodeURI(outputs[at])}`,
      ),
    ),
  );

  // The same request again finds everything done, and writes nothing.
  s3.seen.length = 0;
  expect(await request()).toEqual(ids);
  expect(s3.requests('PUT')).toEqual([]);
});
