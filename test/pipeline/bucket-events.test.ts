// A picture that is put into a bucket is blurred: events about buckets, with a folder that stands for the bucket and with S3.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { kill, patient, Rig } from '../../chaos/rig.ts';
import { labelOf } from '../../functions/lib/image/label.ts';
import { S3Bucket } from '../../functions/lib/store/s3-bucket.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import {
  BUCKET,
  notificationOf,
  postEvent,
  type EventAnswer,
  type WrittenKey,
} from '../support/bucket-events.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { readEvent, schemaFaults } from '../support/event-schemas.ts';
import { S3Front, s3Environment } from '../support/s3-front.ts';
import { makeStoreHome, namedStores, type StoreHome } from '../support/store-home.ts';

const drawn = (seed: number) => toPng(picture(200, 150, 'soft-alpha', seed));

describe.each(namedStores)('an event about a bucket, with STORE=%s', (store) => {
  let home: StoreHome;
  let receiver: EventReceiver;
  let rig: Rig;
  /** Where inputs are in the bucket. */
  const prefix = store === 's3' ? 'in/' : '';

  beforeAll(async () => {
    [home, receiver] = await Promise.all([makeStoreHome(store), EventReceiver.start()]);
    const INPUT_RULES = 'sharp/ filter=sharpen&kernel=5; big/ kernel=31';
    const MAX_BODY_BYTES = '200000';
    rig = await Rig.start({ ...home.env, DONE_SINK: receiver.url, INPUT_RULES, MAX_BODY_BYTES });
  });
  afterEach(async () => {
    await rig.reset();
    receiver.reset();
    for (const name of await home.outputs()) await home.removeOutput(name);
  });
  afterAll(async () => {
    await rig?.stop();
    await receiver?.close();
    await home?.close();
  });

  const splitUrl = () => rig.split.process.ready();
  const notify = async (...written: WrittenKey[]) =>
    postEvent(`${await splitUrl()}/events`, notificationOf(prefix, ...written));

  test('takes the object in, and its done event says where it was and where its result is', async () => {
    await rig.startWorker(patient);
    await home.putInput('holidays/a b+c.png', await drawn(1));
    const { status, images, ignored } = await notify({ key: 'holidays/a b+c.png' });
    expect({ status, ignored }).toEqual({ status: 202, ignored: [] });
    expect(images).toMatchObject([{ name: 'holidays/a b+c.png', status: 'blurring' }]);
    await until('the done event', () => receiver.received.length > 0);
    expect(schemaFaults(receiver.received[0])).toEqual([]);
    const { subject, data } = readEvent(receiver.received[0]);
    expect(subject).toBe(images[0].id);
    expect(data).toMatchObject({
      input: { location: expect.stringMatching(/\/holidays\/a%20b(%2B|\+)c\.png$/) as string },
      output: { location: expect.stringMatching(/\/holidays\/a%20b(%2B|\+)c_blurred\.png$/) as string },
    });
    expect(await home.outputs()).toEqual(['holidays/a b+c_blurred.png']);
  });

  test('again is the same image, and a newer version is another one', async () => {
    await rig.startWorker(patient);
    await home.putInput('a.png', await drawn(1));
    const [first] = (await notify({ key: 'a.png' })).images;
    await until('the done event', () => receiver.subjects().size === 1);
    const again = await notify({ key: 'a.png' }, { key: 'a.png' });
    expect(again.images).toMatchObject([
      { id: first.id, status: 'done' },
      { id: first.id, status: 'done' },
    ]);
    await home.putInput('a.png', await drawn(2));
    const [newer] = (await notify({ key: 'a.png' })).images;
    expect(newer.id).not.toBe(first.id);
    await until('the second done event', () => receiver.subjects().size === 2);
    expect([...receiver.subjects()]).toEqual([first.id, newer.id]);
  });

  test('keeps the results of objects that only differ in their extension, however often their events come', async () => {
    await rig.startWorker(patient);
    const [png, jpg] = ['col/a.png', 'col/a.jpg'];
    await home.putInput(png, await drawn(21));
    const first = await notify({ key: png });
    await until('the first done event', () => receiver.subjects().size === 1);
    await home.putInput(jpg, await drawn(22));
    const second = await notify({ key: jpg });
    await until('the second done event', () => receiver.subjects().size === 2);
    const ids = [first, second].map(({ images }) => images[0].id);
    for (const key of [png, jpg, png]) await notify({ key });
    expect(await home.outputs()).toEqual(['col/a.jpg_blurred.png', 'col/a_blurred.png']);
    expect(labelOf(await home.readOutput('col/a_blurred.png'))).toBe(ids[0]);
    expect(labelOf(await home.readOutput('col/a.jpg_blurred.png'))).toBe(ids[1]);
    expect(receiver.subjects().size).toBe(2);
  });

  test('does not replace the result of an image with another name without a word', async () => {
    await rig.startWorker(patient);
    const body = await drawn(25);
    const upload = await fetch(`${await splitUrl()}/?name=a.jpg`, { method: 'POST', body });
    const { id } = (await upload.json()) as { id: string };
    await until('the first done event', () => receiver.subjects().size === 1);
    await home.putInput('a.png', await drawn(26));
    const [other] = (await notify({ key: 'a.png' })).images;
    await until('the second done event', () => receiver.subjects().size === 2);
    expect(await home.outputs()).toEqual(['a_blurred.png']);
    const result = await fetch(`${await splitUrl()}/images/${id}/result`);
    expect([result.status, await result.json()]).toMatchObject([410, { code: 'replaced' }]);
    expect(await rig.status(id)).toMatchObject({
      output: null,
      error: expect.stringContaining(other.id) as string,
    });
    const logged = await until('the warning', () => rig.logged.find((line) => line.includes('was replaced')));
    expect(JSON.parse(logged)).toMatchObject({ imageId: other.id, replaced: id, replacedName: 'a.jpg' });
  });

  test('is about the very object that its key names, however its accents are stored', async () => {
    const [composed, decomposed] = ['\u00e9t\u00e9.png', 'e\u0301te\u0301.png'];
    await home.putInput(decomposed, await drawn(23));
    expect((await notify({ key: decomposed })).images).toMatchObject([
      { name: composed, status: 'blurring' },
    ]);
    await home.putInput(composed, await drawn(24));
    expect((await notify({ key: composed }, { key: decomposed })).images).toMatchObject([
      { name: composed, status: 'blurring' },
      { name: composed, status: 'refused', error: { code: 'invalid-name' } },
    ]);
  });

  test('is about the key as it was sent, if that object is the one it describes', async () => {
    const [sent, decoded] = [await drawn(25), await drawn(26)];
    await home.putInput('p+q.png', sent);
    await home.putInput('p q.png', decoded);
    const sentAs = (size: number) =>
      JSON.stringify({
        Records: [
          {
            eventName: 'ObjectCreated:Put',
            s3: { bucket: { name: BUCKET }, object: { key: `${prefix}p+q.png`, size: String(size) } },
          },
        ],
      });
    const url = `${await splitUrl()}/events`;
    expect(sent.length).not.toBe(decoded.length);
    expect((await postEvent(url, sentAs(sent.length))).images).toMatchObject([{ name: 'p+q.png' }]);
    expect((await postEvent(url, sentAs(decoded.length))).images).toMatchObject([{ name: 'p q.png' }]);
  });

  test('accepts what can be accepted, and says why the rest is not, so that it is not sent for ever', async () => {
    await home.putInput('good.png', await drawn(3));
    await home.putInput('text.png', Buffer.from('no picture'));
    await home.putInput('empty.png', Buffer.alloc(0));
    const { status, images, ignored } = await notify(
      { key: 'gone.png' },
      { key: 'text.png' },
      { key: 'folder/' },
      { key: 'empty.png', size: 0 },
      { key: '.hidden.png' },
      { key: 'good.png' },
    );
    expect(status).toBe(202);
    expect(images).toMatchObject([
      { name: 'text.png', status: 'refused', error: { code: 'unsupported-image' } },
      { name: 'good.png', status: 'blurring' },
    ]);
    expect(ignored).toEqual([
      { key: `${prefix}gone.png`, reason: 'it is not there any more' },
      { key: `${prefix}folder/`, reason: 'it is a folder' },
      { key: `${prefix}empty.png`, reason: 'it is empty' },
      { key: `${prefix}.hidden.png`, reason: 'it begins with a dot' },
    ]);
    expect(rig.logged.join()).toMatch(/The image that an event names was refused.*text\.png/);
  });

  test('an object that is too large is refused for good', async () => {
    const large = await toPng(picture(300, 200, 'soft-alpha'));
    expect(large.length).toBeGreaterThan(200_000);
    await home.putInput('large.png', large);
    const { status, images } = await notify({ key: 'large.png' });
    expect(status).toBe(202);
    expect(images).toMatchObject([{ status: 'refused', error: { code: 'body-too-large' } }]);
  });

  const recipesOf = ({ images }: EventAnswer) =>
    Promise.all(
      images.map(async ({ id, error }) => error?.code ?? rig.redis.hget(`image:${id}:meta`, 'recipe')),
    );

  test('gets the filter from the rule for its folder, else the default', async () => {
    for (const name of ['a.png', 'sharp/a.png', 'big/a.png']) await home.putInput(name, await drawn(5));
    const answer = await notify(
      { key: 'a.png' },
      { key: 'sharp/a.png', userMetadata: {} },
      { key: 'big/a.png', userMetadata: { 'content-type': 'image/png' } },
    );
    expect(await recipesOf(answer)).toEqual(['9', 'sharpen:5:1', '31']);
  });

  test.runIf(store === 'file')('gets the filter from the metadata in the event', async () => {
    for (const name of ['a.png', 'big/a.png']) await home.putInput(name, await drawn(5));
    const answer = await notify(
      { key: 'a.png', userMetadata: { 'X-Amz-Meta-Tessera-Kernel': '21' } },
      { key: 'big/a.png', userMetadata: { 'x-amz-meta-tessera-kernel': '4' } },
    );
    expect(await recipesOf(answer)).toEqual(['21', 'invalid-kernel']);
  });

  test('without room is answered so that the sender repeats it, and nothing is doubled', async () => {
    await rig.withSplit({ REDIS_BUDGET_BYTES: '700000', CLIENT_SHARE: '1' }, async () => {
      const keys = [1, 2, 3, 4, 5].map((seed) => ({ key: `many-${seed}.png` }));
      for (const [at, { key }] of keys.entries()) await home.putInput(key, await drawn(10 + at));
      const refused = await notify(...keys);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await rig.startWorker(patient);
      await until('all to be accepted', async () => (await notify(...keys)).status === 202);
      await until('all done events', () => receiver.subjects().size === keys.length);
      expect(new Set(receiver.all('ce-id')).size).toBe(keys.length);
      expect(await home.outputs()).toHaveLength(keys.length);
    });
  });

  test('is taken at / too, and from a Broker, which gets no body', async () => {
    await home.putInput('a.png', await drawn(6));
    const body = notificationOf(prefix, { key: 'a.png' });
    const url = await splitUrl();
    expect((await postEvent(url, body)).images).toHaveLength(1);
    const attributes = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': 'aws:s3.us-west-2.tests',
      'ce-type': 'com.amazonaws.s3.ObjectCreated:Put',
    };
    expect((await postEvent(url, body, attributes)).images).toHaveLength(1);
    const toBroker = await postEvent(url, body, { ...attributes, prefer: 'reply' });
    expect([toBroker.status, toBroker.text]).toEqual([202, '']);
    const event = {
      specversion: '1.0',
      id: '1',
      type: 'google.cloud.storage.object.v1.finalized',
      source: `//storage.googleapis.com/projects/_/buckets/${BUCKET}`,
      subject: `objects/${prefix}a.png`,
      data: { bucket: BUCKET, name: `${prefix}a.png`, metadata: { 'tessera-kernel': '3' } },
    };
    const google = { 'content-type': 'application/cloudevents+json' };
    expect((await postEvent(url, JSON.stringify(event), google)).images).toMatchObject([{ name: 'a.png' }]);
  });
});

describe.each(namedStores)('results in the bucket of the inputs, with STORE=%s', (store) => {
  let home: StoreHome;
  let rig: Rig;
  // With folders, inputs and results are in the same one. In a bucket, the inputs are everything but the results.
  const isBucket = store === 's3';
  const [ownPrefix, resultPrefix] = isBucket ? ['in/', 'out/'] : ['', ''];
  beforeAll(async () => {
    home = await makeStoreHome(store);
    const INPUT_PATH = isBucket ? `s3://${BUCKET}` : home.env.OUTPUT_PATH;
    rig = await Rig.start({ ...home.env, INPUT_PATH });
  });
  afterAll(async () => {
    await rig?.stop();
    await home?.close();
  });

  test('make no new images, whatever they are called and wherever they are copied to', async () => {
    await rig.startWorker(patient);
    const url = `${await rig.split.process.ready()}/events`;
    const untilDone = (id: string) =>
      until('the image to be done', async () => (await rig.status(id)).status === 'done');
    const put = (name: string, bytes: Buffer) =>
      isBucket ? home.putInput(name, bytes) : home.putOutput(name, bytes);
    const { id } = await rig.send('photo.png');
    await untilDone(id);
    await put('copy.png', await home.readOutput('photo_blurred.png'));
    await put('mine_blurred.png', await drawn(1));

    const written = [
      `${resultPrefix}photo_blurred.png`,
      `${ownPrefix}copy.png`,
      `${ownPrefix}mine_blurred.png`,
    ];
    const first = await postEvent(url, notificationOf('', ...written.map((key) => ({ key }))));
    expect(first).toMatchObject({
      status: 202,
      images: [{ name: `${ownPrefix}mine_blurred.png` }],
      ignored: [
        { key: written[0], reason: isBucket ? 'it is under OUTPUT_PATH' : 'it is a result' },
        { key: written[1], reason: 'it is a result' },
      ],
    });

    // The picture with the name of a result has been blurred as well. After that no more results appear.
    await untilDone(first.images[0].id);
    const outputs = (await home.outputs()).map((name) => resultPrefix + name);
    const again = await postEvent(url, notificationOf('', ...outputs.map((key) => ({ key }))));
    expect(again.images.filter((image) => image.id !== first.images[0].id)).toEqual([]);
    expect(await rig.redis.zcard('image:images')).toBe(2);
  });
});

describe('an event', () => {
  let rig: Rig;
  const token = 'a-token-of-sufficient-length-0123456789';
  beforeAll(async () => {
    rig = await Rig.start({ AUTH_TOKEN: token, LOG_LEVEL: 'debug' });
  });
  afterAll(() => rig?.stop());

  const json = { 'content-type': 'application/json' };
  const post = async (path: string, body: string, headers: Record<string, string> = json) =>
    postEvent(`${await rig.split.process.ready()}${path}`, body, headers);
  const authorized = { ...json, authorization: `Bearer ${token}` };

  test('needs the token, in a header or in the path, and the log does not show it', async () => {
    const body = notificationOf('', { key: 'gone.png' });
    expect((await post('/events', body)).status).toBe(401);
    expect((await post('/events/wrong', body)).status).toBe(401);
    expect((await post('/events', body, { ...json, authorization: `Bearer ${token}` })).status).toBe(202);
    expect((await post(`/events/${token}`, body)).status).toBe(202);
    expect((await post(`/events/${token}`, body, { ...json, authorization: 'Bearer wrong' })).status).toBe(
      401,
    );
    expect((await post(`/events/${token}?x=1`, body)).status).toBe(400);
    expect((await post(`/events/${token}`, '{}')).status).toBe(415);
    expect(rig.logged.join()).not.toContain(token);
    expect(rig.logged.join()).toContain('/events');
  });

  test.each([
    ['of another type', { type: 'dev.tessera.image.done.v1', data: {} }],
    ['about a deleted object', { type: 'com.amazonaws.s3.ObjectRemoved:Delete', data: {} }],
  ])('%s is not repeated by its sender', async (_what, event) => {
    const body = JSON.stringify({ specversion: '1.0', id: '1', source: '/x', ...event });
    const headers = { ...authorized, 'content-type': 'application/cloudevents+json' };
    expect(await post('/', body, headers)).toMatchObject({ status: 204, text: '' });
  });

  test('that is empty, with which MinIO looks for a receiver, is answered', async () => {
    expect(await post('/events', '', { authorization: authorized.authorization })).toMatchObject({
      status: 204,
    });
  });

  test.each([
    ['no event', '{"input":"x"}', authorized, 415],
    ['broken', '{"Records":', authorized, 400],
    ['longer than 64 KB', JSON.stringify({ Records: [], more: 'x'.repeat(70_000) }), authorized, 413],
    [
      'a CloudEvent longer than 64 KB',
      'x'.repeat(70_000),
      { authorization: authorized.authorization, 'ce-type': 'x', 'ce-id': '1' },
      413,
    ],
  ])('that is %s is refused', async (_what, body, headers, status) => {
    expect((await post('/events', body, headers as Record<string, string>)).status).toBe(status);
  });

  test.each([
    ['stored inputs are switched off', { STORED_INPUTS: 'off' }],
    ['there is no bucket', { STORE: 'redis' }],
  ])('is refused where %s', async (_what, env) => {
    await rig.withSplit(env, async () => {
      expect((await post('/events', notificationOf('', { key: 'a.png' }), authorized)).status).toBe(403);
    });
  });
});

test('a wrong rule for a folder stops split with the reason', async () => {
  const rig = await Rig.start();
  try {
    await expect(rig.startSplit({ INPUT_RULES: 'a/ kernel=4' })).rejects.toThrow(
      /INPUT_RULES.*"a\/".*kernel/,
    );
  } finally {
    await rig.stop();
  }
});

describe('a bucket of S3', () => {
  let front: S3Front;
  let bucket: S3Bucket;
  let receiver: EventReceiver;
  let rig: Rig;
  beforeAll(async () => {
    [front, receiver] = await Promise.all([S3Front.start([BUCKET]), EventReceiver.start()]);
    const env = s3Environment(front.endpoint);
    Object.assign(process.env, env); // For the client of this process, until this file ends.
    const s3 = { s3Endpoint: front.endpoint, s3Region: 'auto', s3PathStyle: 'auto' } as const;
    bucket = new S3Bucket(BUCKET, s3);
    const places = { INPUT_PATH: `s3://${BUCKET}/in`, OUTPUT_PATH: `s3://${BUCKET}/out` };
    rig = await Rig.start({ ...env, ...places, DONE_SINK: receiver.url });
  });
  afterEach(async () => {
    front.trouble = () => null;
    await rig.reset();
    receiver.reset();
  });
  afterAll(async () => {
    await rig?.stop();
    await receiver?.close();
    await front?.stop();
  });

  const put = async (key: string, Metadata: Record<string, string>, seed: number) => {
    const facts = { ContentType: 'image/png', ContentDisposition: 'inline', Metadata };
    await bucket.put(key, await drawn(seed), facts);
  };
  const notify = async (key: string, bucketName = BUCKET) =>
    postEvent(await rig.split.process.ready(), notificationOf('', { key, bucket: bucketName }));

  test('is asked for its metadata, because events of S3 do not contain it', async () => {
    await put('in/wish.png', { 'Tessera-Filter': 'sharpen', 'tessera-amount': '2' }, 1);
    const [{ id }] = (await notify('in/wish.png')).images;
    expect(await rig.redis.hget(`image:${id}:meta`, 'recipe')).toBe('sharpen:9:2');
  });

  test('decides by the metadata that is stored with the bytes, although an older event comes later', async () => {
    await put('in/twice.png', { 'tessera-kernel': '5' }, 5);
    await put('in/twice.png', { 'tessera-kernel': '21' }, 6);
    const url = await rig.split.process.ready();
    const answers = [];
    for (const kernel of ['21', '5']) {
      const userMetadata = { 'X-Amz-Meta-Tessera-Kernel': kernel };
      answers.push(await postEvent(url, notificationOf('', { key: 'in/twice.png', userMetadata })));
    }
    const ids = new Set(answers.map(({ images }) => images[0].id));
    const [id, ...others] = ids;
    expect(others).toEqual([]);
    expect(await rig.redis.hget(`image:${id}:meta`, 'recipe')).toBe('21');
  });

  test('is asked for the other objects of an event too if one cannot be read, now or ever', async () => {
    const troubles: Record<string, { status: number; code: string }> = {
      'in/denied.png': { status: 403, code: 'AccessDenied' },
      'in/encrypted.png': { status: 400, code: 'InvalidRequest' },
      'in/slow.png': { status: 503, code: 'SlowDown' },
    };
    front.trouble = ({ path }) => troubles[path.slice(BUCKET.length + 1)] ?? null;
    await put('in/readable.png', {}, 7);
    await put('in/next.png', {}, 8);
    const url = await rig.split.process.ready();
    const lasting = ['in/denied.png', 'in/encrypted.png', 'in/readable.png'].map((key) => ({ key }));
    const answer = await postEvent(url, notificationOf('', ...lasting));
    expect(answer.status).toBe(202);
    expect(answer.images).toMatchObject([
      { name: 'denied.png', status: 'refused', error: { code: 'unreadable-file' } },
      { name: 'encrypted.png', status: 'refused', error: { code: 'unreadable-file' } },
      { name: 'readable.png', status: 'blurring' },
    ]);
    const accepted = await rig.redis.zcard('image:images');
    const passing = ['in/slow.png', 'in/next.png'].map((key) => ({ key }));
    expect((await postEvent(url, notificationOf('', ...passing))).status).toBe(503);
    expect(await rig.redis.zcard('image:images')).toBe(accepted + 1);
  });

  test('that denies everything makes the sender repeat the event', async () => {
    front.trouble = () => ({ status: 403, code: 'AccessDenied' });
    expect((await notify('in/denied.png')).status).toBe(503);
  });

  test('has objects whose keys no name stands for, and the answer says why', async () => {
    await put('in/\u00e9te\u0301.png', {}, 9);
    expect((await notify('in/\u00e9te\u0301.png')).ignored).toMatchObject([
      { reason: 'it has accents that are stored in two ways' },
    ]);
    expect((await notify('in/a.png', '')).ignored).toMatchObject([
      { reason: 'it has no bucket in the event' },
    ]);
  });

  test('is the only one whose objects are taken', async () => {
    await put('in/a.png', {}, 2);
    expect(await notify('in/a.png', 'another')).toMatchObject({
      status: 202,
      images: [],
      ignored: [{ key: 'in/a.png', reason: 'it is in the bucket "another"' }],
    });
    expect((await notify('elsewhere/a.png')).ignored).toMatchObject([
      { reason: 'it is not under INPUT_PATH' },
    ]);
  });

  test('that is busy makes the sender repeat the event', async () => {
    await put('in/busy.png', {}, 3);
    front.trouble = () => ({ status: 503, code: 'SlowDown' });
    const refused = await notify('in/busy.png');
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    front.trouble = () => null;
    expect((await notify('in/busy.png')).images).toMatchObject([{ name: 'busy.png' }]);
  });

  test('gets its blurred picture, and the receiver is told, although the workers and assemble are killed', async () => {
    await put('in/story.png', {}, 4);
    const [{ id }] = (await notify('in/story.png')).images;
    const { worker } = await rig.startWorkerUntil({ step: 'ack', moment: 'request', nth: 3 });
    await kill(worker);
    const writing = front.requests('PUT').length;
    // It may be killed while it sends the done event. The next worker sends it again after this time.
    const second = await rig.startWorker({ DONE_TIMEOUT_MS: '1000' });
    await until('the result to be written', () => front.requests('PUT').length > writing);
    await Promise.all([kill(second), kill(rig.assemble)]);
    await rig.startAssemble();
    await rig.startWorker();
    await until('the done event', () => receiver.received.length > 0);
    expect(readEvent(receiver.received[0])).toMatchObject({
      id: expect.stringContaining(`${id}.done.`) as string,
      data: {
        input: { location: `s3://${BUCKET}/in/story.png` },
        output: { location: `s3://${BUCKET}/out/story_blurred.png` },
      },
    });
    const result = await front.get(`${BUCKET}/out/story_blurred.png`);
    expect(labelOf(result)).toBe(id);
    expect(new Set(receiver.all('ce-id')).size).toBe(1);
  });
});
