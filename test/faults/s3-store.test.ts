// With STORE=s3: the service fails, or a function is killed, while a result is sent to the bucket. The result
// is there as a whole or not at all, the event is sent again, and no part stays behind.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { kill, patient, Rig, type Member, type SentImage } from '../../chaos/rig.ts';
import { isFull } from '../support/full.ts';
import { keys, S3Front, s3Environment, type SeenRequest, type Trouble } from '../support/s3-front.ts';

/** Noise that no encoder makes smaller, so its result has more than one part. With kernel 1 it stays as it is. */
const noise: Bitmap = { width: 1800, height: 1600, data: opaqueNoise(1800 * 1600) };
const noisePng = await toPng(noise, 3);
const places = { INPUT_PATH: 's3://tests/in', OUTPUT_PATH: 's3://tests/out' };

let s3: S3Front;
let rig: Rig;
/** Nothing happens to the worker here. */
let worker: Member;
beforeAll(async () => {
  s3 = await S3Front.start(['tests']);
  rig = await Rig.start({
    ...s3Environment(s3.endpoint),
    ...places,
    TILE_SIZE: '512',
    ANNOUNCE_RETRY_MS: '1000', // Longer than a large result takes, which is then written only as often as necessary.
  });
  worker = await rig.startWorker(patient);
});
afterEach(async () => {
  expect(rig.logged.filter((line) => line.includes(keys.secretAccessKey))).toEqual([]);
  s3.reset();
  await rig.reset(worker);
  await s3.remove('tests/out/a_blurred.png');
});
afterAll(async () => {
  await rig.stop();
  await s3.stop();
});

function opaqueNoise(pixels: number): Buffer {
  const data = randomBytes(pixels * 4);
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return data;
}

async function sendNoise(name: string): Promise<SentImage> {
  const response = await fetch(`${await rig.split.process.ready()}/?name=${name}&kernel=1`, {
    method: 'POST',
    body: noisePng,
  });
  const { id } = (await response.json()) as { id: string };
  return { id, name, kernelSize: 1, bitmap: noise };
}

async function isThere(): Promise<boolean> {
  return (await s3.names('tests/out/a_blurred.png')).length > 0;
}

const isPart = ({ method, query }: SeenRequest) => method === 'PUT' && query.has('partNumber');
const isEnd = ({ method, query }: SeenRequest) => method === 'POST' && query.has('uploadId');
const isWrite = ({ method }: SeenRequest) => method === 'PUT' || method === 'POST';

/** Injects faults into requests of one kind until it is stopped. */
function troubleWith(is: (seen: SeenRequest) => boolean, trouble: Trouble): () => void {
  s3.trouble = (seen) => (is(seen) ? trouble : null);
  return () => {
    s3.trouble = () => null;
  };
}

/** Waits until the image is done, and checks that its result is there once and right. */
async function expectResult({ id, name, bitmap, kernelSize }: SentImage): Promise<void> {
  await until('the image to be done', async () => (await rig.status(id)).status === 'done');
  const response = await fetch(`${await rig.split.process.ready()}/images/${id}/result`);
  const result = await response.bytes();
  const { data } = await toPixels(result);
  expect(Buffer.compare(data, convolve(bitmap, kernelSize).data)).toBe(0);
  const object = await s3.get(`tests/out/${name.replace('.png', '_blurred.png')}`);
  expect(Buffer.compare(object, result)).toBe(0);
  expect(await rig.pending()).toMatchObject({ queue: 0, leases: 0, outbox: 0 });
}

/** Checks that every upload in parts was completed or aborted, except `left` of them, whose process was killed. */
function expectUploadsEnded(left = 0): void {
  const begun = s3.requests('POST', 'uploads');
  const ended = new Set(
    [...s3.requests('POST', 'uploadId'), ...s3.requests('DELETE', 'uploadId')].map(({ query }) =>
      query.get('uploadId'),
    ),
  );
  expect(begun.length).toBeGreaterThan(0);
  expect(ended.size).toBe(begun.length - left);
}

/** Sends an image while the service fails, waits until its status says why it is late, and then for its result. */
async function expectLateResult(
  is: (seen: SeenRequest) => boolean,
  trouble: Trouble,
  reason: string,
  send: (name: string) => Promise<SentImage>,
): Promise<void> {
  const stopTrouble = troubleWith(is, trouble);
  const image = await send('a.png');
  await until('the fault to be told', async () => (await rig.status(image.id)).error?.includes(reason));
  expect((await rig.status(image.id)).status).toBe('blurred');
  expect(await isThere()).toBe(false);
  stopTrouble();
  await expectResult(image);
}

/** What goes wrong with which requests, and what the status says then. The first one is in the short form. */
const troublesWithParts: [string, (seen: SeenRequest) => boolean, Trouble, string][] = [
  ['cuts the connection in a part', isPart, 'cut while sending', 'cannot be reached (E'],
  ['is busy', isPart, { status: 503, code: 'SlowDown' }, 'busy (SlowDown)'],
  ['never replies to a part', isPart, 'cut before the reply', 'cannot be reached (ECONNRESET)'],
  ['fails to put it together', isEnd, { status: 500, code: 'InternalError' }, 'busy (InternalError)'],
];

describe('a result in parts is written in the end', () => {
  test.each(isFull ? troublesWithParts : troublesWithParts.slice(0, 1))(
    'after the service %s, and the status says why it is late',
    async (_what, is, trouble, reason) => {
      await expectLateResult(is, trouble, reason, sendNoise);
      expectUploadsEnded();
    },
  );

  test('when the reply that it is there is lost', async () => {
    let lost = 0;
    s3.trouble = (seen) => (isEnd(seen) && lost++ === 0 ? 'cut before the reply' : null);
    const image = await sendNoise('a.png');
    await expectResult(image);
    expectUploadsEnded();
  });

  test('when assemble is killed in it: nobody sees a part of it', async () => {
    const reached = Promise.withResolvers<void>();
    s3.trouble = (seen) => {
      if (!isEnd(seen)) return null;
      reached.resolve();
      return 'cut before it arrives';
    };
    const image = await sendNoise('a.png');
    await reached.promise;
    await kill(rig.assemble);
    expect(await isThere()).toBe(false);
    s3.trouble = () => null;
    await rig.startAssemble();
    await expectResult(image);
  });

  test('only once, when the image is cancelled in it: nothing of it stays', async () => {
    const cancelled: Promise<Response>[] = [];
    const image = await sendNoise('a.png');
    s3.trouble = (seen) => {
      if (isPart(seen) && cancelled.length === 0) cancelled.push(rig.cancel(image.id));
      return null;
    };
    await until('the upload to end', () => s3.requests('DELETE').length > 0);
    await Promise.all(cancelled);
    await until('the result to be removed', async () => !(await isThere()));
    expect((await rig.status(image.id)).status).toBe('cancelled');
  });
});

describe('a small result is written', () => {
  test('by one request, which is repeated when the service is busy', async () => {
    let busy = 0;
    s3.trouble = ({ method }) => (method === 'PUT' && busy++ < 2 ? { status: 503, code: 'SlowDown' } : null);
    const image = await rig.send('small.png');
    await expectResult(image);
    expect(s3.requests('PUT')).toHaveLength(3);
    expect(s3.requests('POST')).toEqual([]);
  });

  test.each<[string, Trouble, string]>([
    ['is busy', { status: 503, code: 'SlowDown' }, 'busy (SlowDown)'],
    ['has no such bucket', { status: 404, code: 'NoSuchBucket' }, 'There is no bucket "tests"'],
    ['refuses the key', { status: 403, code: 'InvalidAccessKeyId' }, 'missing or wrong'],
    ['says the clock is wrong', { status: 403, code: 'RequestTimeTooSkewed' }, 'clock is wrong'],
  ])('after the service %s, and the status says why it is late', async (_what, trouble, reason) => {
    await expectLateResult(isWrite, trouble, reason, (name) => rig.send(name));
  });
});

describe('assemble says in one line what is wrong with the bucket', () => {
  /** Starts assemble with other settings, and returns what it logged and how it ended. */
  async function start(env: Record<string, string>): Promise<{ lines: string[]; assemble: FunctionProcess }> {
    const lines: string[] = [];
    const REDIS_URL = rig.redisServer.url;
    const assemble = new FunctionProcess('assemble', {
      env: { ...s3Environment(s3.endpoint), ...places, REDIS_URL, LOG_LEVEL: 'warn', ...env },
      onLog: (line) => lines.push(line),
    });
    return { lines, assemble };
  }

  test.each<[string, Record<string, string>, string]>([
    ['the key is unknown', { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN' }, 'missing or wrong (InvalidAccessKeyId)'],
    ['the secret is wrong', { AWS_SECRET_ACCESS_KEY: 'hush' }, 'missing or wrong (SignatureDoesNotMatch)'],
    ['the bucket is missing', { OUTPUT_PATH: 's3://another/out' }, 'There is no bucket'],
  ])('and ends, when %s', async (_what, env, reason) => {
    const { lines, assemble } = await start(env);
    await assemble.exited;
    expect(assemble.end).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('OUTPUT_PATH cannot be used');
    expect(lines[0]).toContain(reason);
    expect(lines[0]).not.toContain('hush');
  });

  test('and ends, when the clock is wrong', async () => {
    s3.trouble = () => ({ status: 403, code: 'RequestTimeTooSkewed' });
    const { lines, assemble } = await start({});
    await assemble.exited;
    expect([assemble.end, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toContain('clock is wrong');
  });

  test.each<[string, Record<string, string>, string]>([
    ['cannot be reached', { S3_ENDPOINT: 'http://127.0.0.1:9' }, 'cannot be reached (ECONNREFUSED)'],
    ['never replies', {}, 'cannot be reached (TimeoutError)'],
  ])('and waits, when it %s', async (_what, env, reason) => {
    s3.trouble = () => 'never reply';
    const { lines, assemble } = await start(env);
    await assemble.healthy();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('OUTPUT_PATH cannot be used yet');
    expect(lines[0]).toContain(reason);
    await assemble.stop();
  });
});
