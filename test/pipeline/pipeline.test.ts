import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { imageBlurredMessage } from '../../functions/lib/events.ts';
import { queueKeys } from '../../functions/lib/queue/keys.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { picture, toPixels, toPng, type Kind } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { Caller, type Status } from '../support/caller.ts';
import { keysLeft, recordKeys } from '../support/keys-left.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

const env = { TILE_SIZE: '64', LOG_LEVEL: 'warn', LEASE_MS: '3000', ANNOUNCE_RETRY_MS: '300' };

describe.each(storeKinds)('the pipeline with STORE=%s', (store) => {
  let home: StoreHome;
  let caller: Caller;

  beforeAll(async () => {
    home = await makeStoreHome(store);
    caller = new Caller(
      await Pipeline.start({ env: { ...env, ...home.env }, maxWorkers: 2, cooldownMs: 1500 }),
    );
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await home.close();
  });

  it.each<[Kind, 3 | 4, number, number, number]>([
    ['opaque', 3, 200, 150, 9],
    ['opaque', 4, 131, 67, 21],
    ['soft-alpha', 4, 200, 150, 15],
    ['hard-alpha', 4, 97, 101, 5],
    ['opaque', 3, 1, 1, 255],
    ['opaque', 3, 64, 64, 1],
    ['soft-alpha', 4, 130, 30, 201],
  ])(
    'blurs a %s picture of %i channels, %ix%i, kernel %i, as if it had not been cut',
    async (kind, channels, width, height, kernel) => {
      const original = picture(width, height, kind);
      const { id, tiles } = await caller.post(
        await toPng(original, channels),
        `name=${kind}.png&kernel=${kernel}`,
      );
      expect(tiles).toBe(Math.ceil(width / 64) * Math.ceil(height / 64));
      const status = await caller.done(id);
      expect(status).toMatchObject({ done: tiles, tiles, attempts: tiles, reclaims: 0, fenced: 0, dead: [] });
      expect(status.progress).toBe(`${tiles}/${tiles}`);
      const whole = convolve(original, kernel);
      expect(Buffer.compare((await caller.result(id)).data, whole.data)).toBe(0);
    },
  );

  it('leaves only the record of an image and its files in Redis', async () => {
    const { id } = await caller.post(await toPng(picture(100, 100), 3), 'name=clean.png&kernel=3');
    await caller.done(id);
    const keys = await keysLeft(caller.pipeline.redis);
    const client = '127.0.0.1';
    const { results, clientResults } = queueKeys('image');
    const ofResults = store === 'redis' ? [results, `${results}:${client}`, clientResults] : [];
    const shared = [...recordKeys([], { client }), ...ofResults].sort();
    expect(keys.filter((key) => !/^image:[0-9a-f]{24}:(meta|result)$/.test(key))).toEqual(shared);
    expect(await caller.pipeline.redis.ttl(`image:${id}:meta`)).toBeGreaterThan(0);
  });

  it('returns the same image for the same request, and does the work once', async () => {
    const png = await toPng(picture(150, 100, 'opaque', 7), 3);
    const first = await caller.post(png, 'name=twice.png&kernel=7');
    await caller.done(first.id);
    const second = await caller.post(png, 'name=twice.png&kernel=7');
    expect(second).toMatchObject({ id: first.id, status: 'done' });
    expect((await caller.status(first.id)).attempts).toBe(first.tiles);
    const other = await caller.post(png, 'name=twice.png&kernel=9');
    expect(other.id).not.toBe(first.id);
    await caller.done(other.id);
  });

  it('changes nothing when the event is repeated', async () => {
    const { id } = await caller.post(await toPng(picture(80, 80), 3), 'name=event.png&kernel=3');
    await caller.done(id);
    const before = await caller.result(id);
    const sink = await caller.pipeline.assemble.ready();
    for (let times = 0; times < 3; times++) {
      const { headers, body } = imageBlurredMessage(id);
      const response = await fetch(sink, { method: 'POST', headers, body });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
    }
    expect(Buffer.compare((await caller.result(id)).data, before.data)).toBe(0);
  });

  it('lists its images', async () => {
    const { id } = await caller.post(await toPng(picture(70, 70), 3), 'name=listed.png&kernel=3');
    const { images } = (await (await fetch(`${caller.pipeline.splitUrl}/images`)).json()) as {
      images: Status[];
    };
    expect(images[0]).toMatchObject({ id, name: 'listed.png', tiles: 4 });
    await caller.done(id);
  });

  // room.test.ts tests uploads that Redis keeps: they are removed as soon as their image is done.
  it.runIf(store !== 'redis')('blurs the images under INPUT_PATH', async () => {
    await home.putInput('given.png', await toPng(picture(90, 90), 3));
    const images = await caller.postInputs('given.png', 11);
    expect(images).toMatchObject([{ name: 'given.png', tiles: 4 }]);
    await caller.done(images[0].id);
    const whole = convolve(picture(90, 90), 11);
    expect(Buffer.compare((await caller.result(images[0].id)).data, whole.data)).toBe(0);
  });

  it('goes back to zero workers, and wakes again', async () => {
    await until('zero workers', () => caller.pipeline.scaler.workers.length === 0);
    const { id } = await caller.post(await toPng(picture(75, 75, 'opaque', 3), 3), 'name=again.png&kernel=3');
    await caller.done(id);
  });

  it.runIf(store !== 'redis')(
    'names an output after its image and leaves no partial file behind',
    async () => {
      const names = await home.outputs();
      expect(names).toContain('twice_blurred.png');
      expect(names.filter((name) => !/^[a-z-]+_blurred\.png$/.test(name))).toEqual([]);
      const pixels = await toPixels(await home.readOutput('listed_blurred.png'));
      expect(Buffer.compare(pixels.data, convolve(picture(70, 70), 3).data)).toBe(0);
    },
  );
});

describe('an image that is cancelled', () => {
  it('frees its tiles, is skipped by the workers, and can be started again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-cancel-'));
    // Workers that do not consume, so that the tiles stay queued until the image is cancelled.
    const pipeline = await Pipeline.start({ env: { ...env, OUTPUT_PATH: folder, CONSUMER: 'off' } });
    try {
      const caller = new Caller(pipeline);
      const png = await toPng(picture(300, 300), 3);
      const { id, tiles } = await caller.post(png, 'name=c.png&kernel=15');
      expect(await pipeline.redis.llen('image:job:queue')).toBe(tiles);
      const response = await fetch(`${pipeline.splitUrl}/images/${id}`, { method: 'DELETE' });
      expect(await response.json()).toMatchObject({ id, status: 'cancelled' });
      expect(await keysLeft(pipeline.redis)).toEqual(recordKeys([id], { client: '127.0.0.1' }));
      const conflict = await fetch(`${pipeline.splitUrl}/images/${id}/result`);
      expect(conflict.status).toBe(409);
      expect(await caller.post(png, 'name=c.png&kernel=15')).toMatchObject({ id, status: 'blurring' });
      expect(await pipeline.redis.llen('image:job:queue')).toBe(tiles);
    } finally {
      await pipeline.stop();
      await rm(folder, { recursive: true });
    }
  });
});

describe('naive mode', () => {
  it('blurs an image if no worker dies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-naive-'));
    const pipeline = await Pipeline.start({
      env: { ...env, QUEUE_MODE: 'naive', OUTPUT_PATH: folder },
      maxWorkers: 2,
    });
    try {
      const caller = new Caller(pipeline);
      const original = picture(300, 200, 'soft-alpha');
      const { id, tiles } = await caller.post(await toPng(original), 'name=n.png&kernel=15');
      expect(await caller.done(id)).toMatchObject({ done: tiles });
      expect(Buffer.compare((await caller.result(id)).data, convolve(original, 15).data)).toBe(0);
    } finally {
      await pipeline.stop();
      await rm(folder, { recursive: true });
    }
  });
});
