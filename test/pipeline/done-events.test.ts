// The events for others: an image is done, or has failed. A receiver at DONE_SINK gets them from the workers, a Broker gets
// them as assemble's reply.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { kill, patient, Rig, rigTiles, type SentImage } from '../../chaos/rig.ts';
import { imageBlurredMessage, type EventMessage } from '../../functions/lib/events.ts';
import { until } from '../../functions/testing/until.ts';
import { makeCertificate } from '../support/certificate.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { readEvent, schemaFaults } from '../support/event-schemas.ts';

const DONE = 'dev.tessera.image.done.v1';
const FAILED = 'dev.tessera.image.failed.v1';

let receiver: EventReceiver;
let rig: Rig;
beforeAll(async () => {
  receiver = await EventReceiver.start();
  rig = await Rig.start({ DONE_SINK: receiver.url, MAX_ATTEMPTS: '2' });
});
afterEach(async () => {
  await rig.reset();
  receiver.reset();
});
afterAll(async () => {
  await rig?.stop();
  await receiver?.close();
});

const untilIs = (image: SentImage, status: string) =>
  until(`${image.name} to be ${status}`, async () => (await rig.status(image.id)).status === status);
const untilSent = (count: number) =>
  until(`${count} events to arrive`, () => receiver.received.length >= count);
/** No event is left to be sent. */
const untilAllTold = () =>
  until('nothing to be left to tell', async () => (await rig.pending()).outbox === 0);

/** Makes a tile of an image fail at each attempt. */
const poison = (image: SentImage) => rig.redis.set(`image:${image.id}:src:5`, 'no pixels');

describe('an image that is done', () => {
  test('is reported to the receiver once, with its facts and the place of its result', async () => {
    await rig.startWorker(patient);
    const image = await rig.send('photo.png');
    await untilSent(1);
    await untilAllTold();
    const [message] = receiver.received;
    expect(schemaFaults(message)).toEqual([]);
    const { id, type, source, subject, time, data } = readEvent(message);
    const status = (await rig.status(image.id)) as unknown as Record<string, string>;
    expect({ type, source, subject }).toEqual({ type: DONE, source: '/tessera', subject: image.id });
    expect(id).toBe(`${image.id}.done.${Date.parse(status.endedAt)}`);
    expect(new Date(String(time)).toISOString()).toBe(status.endedAt);
    expect(data).toEqual({
      imageId: image.id,
      name: 'photo.png',
      owner: null,
      input: null,
      width: 200,
      height: 150,
      tiles: rigTiles,
      filter: 'blur',
      kernel: 9,
      createdAt: status.createdAt,
      blurredAt: status.blurredAt,
      endedAt: status.endedAt,
      ms: status.ms,
      output: { name: 'photo_blurred.png', location: `file://${rig.outputPath}/photo_blurred.png` },
      result: `/images/${image.id}/result`,
    });
    expect(new Set(receiver.all('ce-id')).size).toBe(1);
  });

  test('is reported again with the same id and data until the receiver accepts it', async () => {
    receiver.answer = () => (receiver.received.length < 3 ? 503 : 204);
    await rig.startWorker(patient);
    await rig.send('photo.png');
    await untilSent(3);
    await untilAllTold();
    expect(new Set(receiver.all('ce-id')).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  });

  test('is reported once to a receiver that takes longer to answer than the pause between sendings', async () => {
    const mayAnswer = Promise.withResolvers<number>();
    receiver.answer = () => mayAnswer.promise;
    const slow = { ...patient, ANNOUNCE_RETRY_MS: '1' };
    await Promise.all([rig.startWorker(slow), rig.startWorker(slow)]);
    const first = await rig.send('first.png');
    await untilSent(1);
    // What is due the longest is sent first. So a copy of the first event would arrive before these.
    const others = [];
    for (const name of ['second.png', 'third.png']) {
      others.push((await rig.send(name)).id);
      await untilSent(1 + others.length);
    }
    mayAnswer.resolve(204);
    await untilAllTold();
    expect(receiver.all('ce-subject')).toEqual([first.id, ...others]);
  });

  test('is reported although the worker and assemble were killed right after it was closed', async () => {
    receiver.answer = () => null;
    const worker = await rig.startWorker({ ...patient, DONE_TIMEOUT_MS: '500' });
    const image = await rig.send('photo.png');
    await untilIs(image, 'done');
    await Promise.all([kill(worker), kill(rig.assemble)]);
    receiver.reset();
    await rig.startWorker(patient);
    await untilSent(1);
    await untilAllTold();
    expect(new Set(receiver.all('ce-type'))).toEqual(new Set([DONE]));
  });

  test('stays done when the receiver never accepts the event, which is given up', async () => {
    receiver.answer = () => 500;
    await rig.startWorker({ ...patient, MAX_ANNOUNCEMENTS: '3' });
    const image = await rig.send('photo.png');
    await untilSent(3);
    await untilAllTold();
    expect(receiver.received).toHaveLength(3);
    expect(await rig.status(image.id)).toMatchObject({ status: 'done', error: null });
    expect(rig.logged.join()).toContain('it was sent too often');
  });

  test('is not held up by a receiver that does not answer', async () => {
    receiver.answer = () => null;
    await rig.startWorker(patient);
    const images = [];
    for (let nth = 0; nth < 6; nth++) images.push(await rig.send(`photo-${'x'.repeat(nth)}.png`));
    for (const image of images) await untilIs(image, 'done');
    expect(receiver.received.length).toBeGreaterThan(0);
  });

  test('is reported with the path of a stored input', async () => {
    const { id } = await rig.sendStored('folder/a b.png');
    await rig.startWorker(patient);
    await untilSent(1);
    const [message] = receiver.received;
    expect(schemaFaults(message)).toEqual([]);
    expect(message.headers['ce-subject']).toBe(id);
    expect(readEvent(message).data).toMatchObject({
      name: 'folder/a b.png',
      input: { name: 'folder/a b.png', location: `file://${rig.inputPath}/folder/a%20b.png` },
      output: { location: `file://${rig.outputPath}/folder/a%20b_blurred.png` },
    });
  });

  test('is reported over TLS', async () => {
    const certificate = await makeCertificate();
    const secure = await EventReceiver.start(certificate);
    try {
      await rig.startWorker({
        ...patient,
        DONE_SINK: secure.url,
        NODE_EXTRA_CA_CERTS: certificate.certificate,
      });
      await rig.send('photo.png');
      await until('the event', () => secure.received.length > 0);
      expect(new Set(secure.all('ce-type'))).toEqual(new Set([DONE]));
    } finally {
      await secure.close();
      await certificate.remove();
    }
  });
});

test('an image that fails is reported with the reason, and again when it is done later', async () => {
  const image = await rig.send('photo.png');
  const source = await rig.redis.getBuffer(`image:${image.id}:src:5`);
  await poison(image);
  await rig.startWorker(patient);
  await untilSent(1);
  const [message] = receiver.received;
  expect(schemaFaults(message)).toEqual([]);
  const { type, subject, data } = readEvent(message);
  expect({ type, subject }).toEqual({ type: FAILED, subject: image.id });
  expect(data?.reason).toBe((await rig.status(image.id)).error);
  expect(data?.reason).toMatch(/^tile 5: /);
  expect(data).not.toHaveProperty('output');

  await until('the other tiles', async () => (await rig.status(image.id)).done === rigTiles - 1);
  await rig.redis.set(`image:${image.id}:src:5`, source ?? '');
  await rig.requeue(`${image.id}:5`);
  await until('the done event', () => receiver.all('ce-type').includes(DONE));
  expect([...new Set(receiver.all('ce-type'))]).toEqual([FAILED, DONE]);
  expect(new Set(receiver.all('ce-id')).size).toBe(2);
});

test('an image whose event was given up is reported with the reason', async () => {
  rig.gate.handle = async () => 503;
  await rig.startWorker({ ...patient, MAX_ANNOUNCEMENTS: '2' });
  await rig.send('photo.png');
  await untilSent(1);
  expect(schemaFaults(receiver.received[0])).toEqual([]);
  expect(readEvent(receiver.received[0]).data).toMatchObject({
    reason: 'given up after 2 events: assemble answered 503',
  });
});

test('an image that is cancelled is not reported', async () => {
  const cancelled = await rig.send('cancelled.png');
  await rig.cancel(cancelled.id);
  await rig.startWorker(patient);
  const other = await rig.send('other.png');
  await untilSent(1);
  await untilAllTold();
  expect([...receiver.subjects()]).toEqual([other.id]);
});

test('the event inside the pipeline has a schema too', async () => {
  await rig.startWorker(patient);
  const image = await rig.send('photo.png');
  await untilIs(image, 'done');
  const { headers, body } = rig.gate.posted[0];
  expect(headers['ce-type']).toBe('dev.tessera.image.blurred.v1');
  expect(schemaFaults({ headers, body: body.toString() })).toEqual([]);
});

describe('assemble without a receiver', () => {
  const untold = { DONE_SINK: 'none' };
  beforeAll(async () => {
    await kill(rig.assemble);
    await rig.startAssemble(untold);
  });
  afterAll(async () => {
    await kill(rig.assemble);
    await rig.startAssemble();
  });

  /** Posts the event that an image is blurred, as a Broker does. */
  async function post(id: string, headers: Record<string, string>): Promise<[number, EventMessage]> {
    const message = imageBlurredMessage(id);
    const response = await fetch(await rig.assemble.process.ready(), {
      method: 'POST',
      headers: { ...message.headers, ...headers },
      body: message.body,
    });
    const reply = { headers: Object.fromEntries(response.headers), body: await response.text() };
    return [response.status, reply];
  }

  async function blurred(): Promise<SentImage> {
    rig.gate.handle = async () => 503;
    await rig.startWorker({ ...patient, ...untold });
    const image = await rig.send('photo.png');
    await untilIs(image, 'blurred');
    return image;
  }

  test('replies to a Broker with the done event, the same one each time', async () => {
    const image = await blurred();
    const [status, reply] = await post(image.id, { prefer: 'reply' });
    expect(status).toBe(200);
    expect(schemaFaults(reply)).toEqual([]);
    expect(readEvent(reply)).toMatchObject({ type: DONE, subject: image.id });
    const [, again] = await post(image.id, { prefer: 'respond-async, reply' });
    expect(readEvent(again)).toEqual(readEvent(reply));
    expect(receiver.received).toEqual([]);
  });

  test('replies to anybody else without a body, and leaves nothing to send', async () => {
    const image = await blurred();
    for (const prefer of ['', 'return=minimal', 'replying']) {
      const [status, { body }] = await post(image.id, prefer ? { prefer } : {});
      expect([status, body]).toEqual([204, '']);
    }
    await untilAllTold();
  });

  test('replies without a body about an image that was cancelled', async () => {
    const image = await blurred();
    await rig.cancel(image.id);
    const [status, { body }] = await post(image.id, { prefer: 'reply' });
    expect([status, body]).toEqual([204, '']);
  });
});

test('assemble with a receiver does not reply to a Broker too', async () => {
  const statuses: number[] = [];
  rig.gate.handle = async ({ headers, body }) => {
    const url = await rig.assemble.process.ready();
    const response = await fetch(url, { method: 'POST', headers: { ...headers, prefer: 'reply' }, body });
    statuses.push(response.status);
    return { status: response.status, body: await response.text() };
  };
  await rig.startWorker(patient);
  await rig.send('photo.png');
  await untilSent(1);
  await untilAllTold();
  expect(new Set(statuses)).toEqual(new Set([204]));
  expect(new Set(receiver.all('ce-type'))).toEqual(new Set([DONE]));
});
