// GET /images/<id>?wait=30: the status when it changes, or after the time.
import { Agent, get } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { patient, Rig, rigTiles } from '../../chaos/rig.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';

const anId = '0123456789abcdef01234567';
/** Longer than any test. */
const LONG = 60;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ MAX_UPLOADS: '1' });
});
afterEach(() => rig.reset());
afterAll(() => rig.stop());

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Connections of their own: fetch would queue so many requests. */
const agent = new Agent({ maxSockets: Infinity });

async function ask(path: string, base?: string): Promise<Answer> {
  const url = `${base ?? (await rig.split.process.ready())}${path}`;
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => (text += more));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] }),
      );
    }).on('error', reject);
  });
}

const wait = (id: string, seconds = LONG) => ask(`/images/${id}?wait=${seconds}`);

describe('a request that waits', () => {
  test('is answered when tiles are done, and then when the image is', async () => {
    const { id } = await rig.send('a.png');
    const first = wait(id);
    await rig.startWorker(patient);
    let { body } = await first;
    expect(body.done).toBeGreaterThan(0);
    for (let asked = 0; body.status !== 'done' && asked < 20; asked++) ({ body } = await wait(id));
    expect(body).toMatchObject({ status: 'done', done: rigTiles, result: `/images/${id}/result` });
    expect((await wait(id)).body).toEqual(body);
  });

  test('is answered with the present state after its time', async () => {
    const { id } = await rig.send('a.png');
    expect(await wait(id, 1)).toMatchObject({ status: 200, body: { status: 'blurring', done: 0 } });
    expect(await wait(id, 0)).toMatchObject({ status: 200, body: { status: 'blurring', done: 0 } });
  });

  test('is answered when the image is cancelled, and is not found when it vanishes', async () => {
    const { id } = await rig.send('a.png');
    const cancelled = wait(id);
    await rig.cancel(id);
    expect((await cancelled).body).toMatchObject({ status: 'cancelled' });
    const { id: other } = await rig.send('bb.png');
    const lost = wait(other);
    await rig.redis.unlink(`image:${other}:meta`);
    expect(await lost).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await wait(anId)).status).toBe(404);
  });

  test('is answered with the present state when split stops', async () => {
    const { id } = await rig.send('a.png');
    const answers = [wait(id), wait(id)];
    for (let times = 0; times < 3; times++) await ask('/queue'); // By then both have arrived.
    rig.split.process.signal('SIGTERM');
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ status: 200, body: { status: 'blurring' } });
    }
    await rig.split.process.exited;
    expect(rig.split.process.end).toBe(0);
  });

  test.each(['', '-1', '61', '1.5', '1e1', ' 1', 'long', '1&wait=2'])(
    'is refused if the wait is "%s"',
    async (seconds) => {
      const { status, body } = await ask(`/images/${anId}?wait=${encodeURI(seconds)}`);
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-request' });
      expect(body.detail).toMatch(/^The wait is .*; whole seconds from 0 to 60 are required\.$/);
    },
  );
});

describe('a thousand requests that wait', () => {
  test('take no place of an upload, and all are answered', { timeout: 120_000 }, async () => {
    const { id } = await rig.send('a.png');
    const answers = Array.from({ length: 1000 }, () => wait(id));
    const { id: other } = await rig.send('bb.png');
    expect((await ask('/health/ready')).status).toBe(200);
    const rest = await rig.status(other);
    expect(rest.status).toBe('blurring');
    await rig.cancel(id);
    const states = (await Promise.all(answers)).map(({ status, body }) => `${status} ${String(body.status)}`);
    expect(new Set(states)).toEqual(new Set(['200 cancelled']));
  });
});

describe('one caller', () => {
  let split: FunctionProcess;
  afterEach(() => split.stop());

  test('may have only its share of the requests that wait', { timeout: 120_000 }, async () => {
    const env = { REDIS_URL: rig.redisServer.url, CLIENT_SHARE: '0.014', LOG_LEVEL: 'silent' };
    split = new FunctionProcess('split', { env });
    const base = await split.healthy();
    const { id } = await rig.send('a.png');
    const refused: Answer[] = [];
    const answers = Array.from({ length: 26 }, async () => {
      const answer = await ask(`/images/${id}?wait=${LONG}`, base);
      if (answer.status === 429) refused.push(answer);
      return answer.status;
    });
    await until('five refusals', () => refused.length === 5);
    expect(refused[0].body.code).toBe('too-many-waits');
    expect((await ask(`/images/${id}`, base)).status).toBe(200);
    await rig.cancel(id);
    const statuses = await Promise.all(answers);
    expect(statuses.filter((status) => status === 200)).toHaveLength(21);
    expect((await ask(`/images/${id}?wait=1`, base)).status).toBe(200);
  });
});
