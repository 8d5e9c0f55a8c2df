// Two callers with their own tokens, who must not learn about each other's images.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picture, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

const tokens = {
  alice: 'token-of-alice-012345',
  aliceToo: 'token-of-alice-newer0',
  bob: 'token-of-bob-01234567',
};

type Name = keyof typeof tokens;

interface Image {
  id: string;
  name: string;
  status: string;
  output: string | null;
}

describe.each(storeKinds)('with OWN_IMAGES_ONLY and STORE=%s', (store) => {
  let home: StoreHome;
  let pipeline: Pipeline;
  let png: Buffer<ArrayBuffer>;

  beforeAll(async () => {
    home = await makeStoreHome(store);
    png = await toPng(picture(90, 70), 3);
    pipeline = await Pipeline.start({
      maxWorkers: 1,
      env: {
        ...home.env,
        LOG_LEVEL: 'error',
        OWN_IMAGES_ONLY: 'on',
        AUTH_TOKEN: `alice:${tokens.alice}, alice:${tokens.aliceToo}, bob:${tokens.bob}`,
      },
    });
  });

  afterAll(async () => {
    await pipeline.stop();
    await home.close();
  });

  function ask(who: Name, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${tokens[who]}` };
    return fetch(pipeline.splitUrl + path, { ...init, headers });
  }

  async function send(who: Name, query: string): Promise<string> {
    const response = await ask(who, `/?${query}`, { method: 'POST', body: png });
    expect(response.status).toBe(202);
    return ((await response.json()) as Image).id;
  }

  async function done(who: Name, id: string): Promise<void> {
    await until(`image ${id} to be done`, async () => {
      const response = await ask(who, `/images/${id}`);
      return ((await response.json()) as Image).status === 'done';
    });
  }

  async function listed(who: Name): Promise<string[]> {
    const { images } = (await (await ask(who, '/images')).json()) as { images: Image[] };
    return images.map(({ id }) => id);
  }

  it('makes two images of the same bytes, name and kernel, each with its own result', async () => {
    const [alices, bobs] = [await send('alice', 'name=same.png'), await send('bob', 'name=same.png')];
    expect(bobs).not.toBe(alices);
    for (const [who, id] of [
      ['alice', alices],
      ['bob', bobs],
    ] as const) {
      await done(who, id);
      expect((await ask(who, `/images/${id}/result`)).status).toBe(200);
    }
    expect((await ask('alice', `/images/${alices}/result`)).status).toBe(200);
  });

  it('treats two tokens of one name as one owner', async () => {
    const id = await send('alice', 'name=rotated.png');
    expect(await send('aliceToo', 'name=rotated.png')).toBe(id);
    expect((await ask('aliceToo', `/images/${id}`)).status).toBe(200);
  });

  it.each([
    ['status', 'GET', ''],
    ['result', 'GET', '/result'],
    ['cancelling', 'DELETE', ''],
  ])("answers for the %s of another's image as for one that does not exist", async (_what, method, leaf) => {
    const id = await send('alice', `name=mine.png&kernel=3`);
    await done('alice', id);
    const nobodys = 'f'.repeat(24);
    const answers = await Promise.all(
      [id, nobodys].map(async (each) => {
        const response = await ask('bob', `/images/${each}${leaf}`, { method });
        return [response.status, (await response.text()).replaceAll(each, 'ID')];
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0][0]).toBe(404);
    expect((await ask('alice', `/images/${id}/result`)).status).toBe(200);
  });

  it("cancels nobody's images but the caller's own", async () => {
    await pipeline.scaler.stop(); // Nothing is blurred from now on.
    const id = await send('alice', 'name=slow.png&kernel=5');
    expect((await ask('bob', `/images/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect(((await (await ask('alice', `/images/${id}`)).json()) as Image).status).toBe('blurring');
    expect((await ask('aliceToo', `/images/${id}`, { method: 'DELETE' })).status).toBe(200);
  });

  // The list is the same code for every store.
  it.runIf(store === 'file')("lists the caller's own images, however many others there are", async () => {
    const oldest = await send('bob', 'name=oldest.png');
    for (let at = 0; at < 110; at++) await send('alice', `name=many-${at}.png`);
    const [alices, bobs] = [await listed('alice'), await listed('bob')];
    expect(bobs).toContain(oldest);
    expect(alices).toHaveLength(100);
    expect(alices.filter((id) => bobs.includes(id))).toEqual([]);
    expect(await listed('aliceToo')).toEqual(alices);
  });

  it("does not blur another's uploads as stored inputs", async () => {
    await send('alice', 'name=secret.png');
    const headers = { 'content-type': 'application/json' };
    const all = await ask('bob', '/', { method: 'POST', body: '{}', headers });
    expect(await all.text()).not.toContain('secret');
    const one = await ask('bob', '/', { method: 'POST', body: '{"input":"secret.png"}', headers });
    expect(one.status).toBe(404);
  });
});

describe('OWN_IMAGES_ONLY without a token', () => {
  it('does not start, and says why', async () => {
    const logged: string[] = [];
    const env = { OWN_IMAGES_ONLY: 'on', REDIS_URL: 'redis://127.0.0.1:1' };
    const split = new FunctionProcess('split', { env, onLog: (line) => logged.push(line) });
    await split.exited;
    expect(split.end).toBe(1);
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0])).toMatchObject({
      message: 'The settings are invalid',
      error: expect.stringMatching(/OWN_IMAGES_ONLY.*AUTH_TOKEN/) as string,
    });
  });
});
