// What people watch while an image is blurred: the queue with its workers, the tiles of an image, and what was given up.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { kill, patient, Rig, rigTiles } from '../../chaos/rig.ts';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';

interface Queue {
  time: string;
  queued: number;
  inFlight: number;
  dead: number;
  images: number;
  begun: number;
  admittedBytes: number;
  budgetBytes: number;
  workers: { id: string; since: string; seen: string; inFlight: number; done: number; state: string }[];
}

const anId = '0123456789abcdef01234567';
/** The key of the source of an image's tile 5. */
const sourceOf = (id: string) => `image:${id}:src:5`;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ MAX_ATTEMPTS: '2', REDIS_BUDGET_BYTES: '500000000' });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

async function call(
  method: string,
  path: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${await rig.split.process.ready()}${path}`, { method });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const queue = async () => (await call('GET', '/queue')).body as unknown as Queue;
const tilesOf = async (id: string) => (await call('GET', `/images/${id}/tiles`)).body.tiles;

/** An image of which tile 5 is dead, and all others are done. */
async function withDeadTile(name: string): Promise<string> {
  const { id } = await rig.send(name);
  await rig.redis.set(sourceOf(id), 'no pixels');
  await rig.startWorker(patient);
  await until('its tiles', async () => {
    const { done, dead } = await rig.status(id);
    return done === rigTiles - 1 && dead.length === 1;
  });
  return id;
}

describe('GET /queue', () => {
  test('shows what waits, and no worker where none is', async () => {
    const before = await queue();
    expect(before).toMatchObject({ queued: 0, images: 0, admittedBytes: 0, workers: [] });
    await rig.send('a.png');
    const { time, ...shown } = await queue();
    expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
    expect(shown).toEqual({
      queued: rigTiles,
      inFlight: 0,
      delayed: 0,
      outbox: 0,
      dead: 0,
      images: 1,
      begun: before.begun + 1,
      admittedBytes: expect.any(Number),
      budgetBytes: 500_000_000,
      workers: [],
    });
    expect(shown.admittedBytes).toBeGreaterThan(0);
  });

  test('shows a worker with its work, the same one killed as lost, and one that stopped not at all', async () => {
    const [worker, stopping] = [await rig.startWorker(patient), await rig.startWorker(patient)];
    await until('two workers', async () => (await queue()).workers.length === 2);
    await rig.send('a.png', { width: 1200, height: 1200, kernelSize: 255 });
    const busy = await until('a tile in flight', async () => {
      return (await queue()).workers.find(({ inFlight, done }) => inFlight > 0 && done > 0);
    });
    expect(busy.state).toBe('up');
    await stopping.process.stop();
    await kill(worker);
    const lost = await until('the loss', async () => {
      const { workers } = await queue();
      return workers.length === 1 && workers[0].state === 'lost' && workers[0];
    });
    expect(Date.parse(lost.since)).toBeLessThan(Date.parse(lost.seen));
  });
});

describe('GET /images/<id>/tiles', () => {
  test('shows the tiles row by row, and still when the image is done', async () => {
    const { id } = await rig.send('a.png');
    expect(await call('GET', `/images/${id}/tiles`)).toEqual({
      status: 200,
      body: { id, columns: 4, rows: 3, status: 'blurring', tiles: 'q'.repeat(rigTiles) },
    });
    await rig.startWorker(patient);
    await until('the result', async () => (await rig.status(id)).status === 'done');
    expect((await call('GET', `/images/${id}/tiles`)).body).toMatchObject({
      status: 'done',
      tiles: 'd'.repeat(rigTiles),
    });
  });

  test('is not found for an image that does not exist', async () => {
    expect(await call('GET', `/images/${anId}/tiles`)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });
});

describe('a dead letter', () => {
  test('is listed with its reason, and its image is completed when it is tried again', async () => {
    const { id, bytes } = await deadWithSource();
    expect((await queue()).dead).toBe(1);
    expect(await tilesOf(id)).toBe('dddddXdddddd');
    const { deadLetters } = (await call('GET', '/dead-letters')).body as { deadLetters: object[] };
    expect(deadLetters).toEqual([
      {
        id,
        name: 'a.png',
        tile: 5,
        reason: expect.stringMatching(/bytes, not 9/),
        since: expect.any(String),
      },
    ]);
    await rig.redis.set(sourceOf(id), bytes);
    expect(await call('POST', `/images/${id}/retry`)).toMatchObject({
      status: 202,
      body: { id, name: 'a.png' },
    });
    await until('the result', async () => (await rig.status(id)).status === 'done');
    expect(await tilesOf(id)).toBe('dddddDdddddd');
    expect((await call('GET', '/dead-letters')).body).toEqual({ deadLetters: [] });
  });

  test('of an event is tried again too', async () => {
    rig.gate.handle = async () => 503;
    const { id } = await rig.send('a.png');
    await rig.startWorker({ ...patient, MAX_ANNOUNCEMENTS: '1' });
    await until('the failure', async () => (await rig.status(id)).status === 'failed');
    expect((await call('GET', '/dead-letters')).body).toMatchObject({ deadLetters: [{ id, tile: null }] });
    rig.gate.reset();
    expect((await call('POST', `/images/${id}/retry`)).status).toBe(202);
    await until('the result', async () => (await rig.status(id)).status === 'done');
  });

  test('cannot be tried again when its pixels are gone', async () => {
    const id = await withDeadTile('a.png');
    await rig.redis.unlink(sourceOf(id));
    expect(await call('POST', `/images/${id}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'not-retryable' },
    });
    expect(await rig.status(id)).toMatchObject({ status: 'failed' });
    await rig.cancel(id);
    expect((await call('POST', `/images/${id}/retry`)).body).toMatchObject({ code: 'not-retryable' });
    expect((await call('GET', '/dead-letters')).body).toEqual({ deadLetters: [] });
  });

  test('is needed to try again', async () => {
    const { id } = await rig.send('a.png');
    expect(await call('POST', `/images/${id}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'not-retryable' },
    });
    expect((await call('POST', `/images/${anId}/retry`)).status).toBe(404);
  });

  async function deadWithSource(): Promise<{ id: string; bytes: Buffer }> {
    const { id } = await rig.send('a.png');
    const bytes = (await rig.redis.getBuffer(sourceOf(id))) ?? Buffer.alloc(0);
    await rig.reset();
    return { id: await withDeadTile('a.png'), bytes };
  }
});

describe('with owners', () => {
  const tokens = { alice: 'token-of-alice-0123', bob: 'token-of-bob-0123456' };
  let split: FunctionProcess;
  afterEach(() => split.stop());

  async function as(who: keyof typeof tokens, method: string, path: string, body?: Buffer<ArrayBuffer>) {
    const headers = { authorization: `Bearer ${tokens[who]}` };
    return fetch(`${await split.ready()}${path}`, { method, headers, body });
  }

  test('each sees only its own tiles and dead letters, and tries only those again', async () => {
    const env = {
      REDIS_URL: rig.redisServer.url,
      AUTH_TOKEN: Object.entries(tokens)
        .map((each) => each.join(':'))
        .join(','),
      OWN_IMAGES_ONLY: 'on',
      TILE_SIZE: '64',
      LOG_LEVEL: 'silent',
    };
    split = new FunctionProcess('split', { env });
    await split.healthy();
    const sent = await as('alice', 'POST', '/?name=a.png', await toPng(picture(200, 150)));
    const { id } = (await sent.json()) as { id: string };
    await rig.redis.set(sourceOf(id), 'no pixels');
    await rig.startWorker(patient);
    const lettersOf = async (who: keyof typeof tokens) =>
      ((await (await as(who, 'GET', '/dead-letters')).json()) as { deadLetters: object[] }).deadLetters;
    await until('the dead letter', async () => (await lettersOf('alice')).length === 1);
    expect(await lettersOf('bob')).toEqual([]);
    expect((await as('bob', 'GET', `/images/${id}/tiles`)).status).toBe(404);
    expect((await as('bob', 'POST', `/images/${id}/retry`)).status).toBe(404);
    expect((await as('alice', 'POST', `/images/${id}/retry`)).status).toBe(202);
    expect((await fetch(`${await split.ready()}/queue`)).status).toBe(401);
  });
});
