// A result belongs to one id: a request for it gets that image's own pixels or a reason, whatever other
// images have the same output name.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { until } from '../../functions/testing/until.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller, type Status } from '../support/caller.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

const RESULT_TTL_S = 3600;

/** Returns a small picture, another one for each seed. */
const draw = (seed: number) => picture(90, 70, 'opaque', seed);
const pngOf = (seed: number) => toPng(draw(seed), 3);

/** The pictures by their image ids, with the expected results. */
type Sent = Map<string, { name: string; seed: number; kernel: number }>;

describe.each(storeKinds)('results with STORE=%s', (store) => {
  let home: StoreHome;
  let folder: string;
  let outputs: string;
  let caller: Caller;

  beforeAll(async () => {
    home = await makeStoreHome(store);
    outputs = home.env.OUTPUT_PATH;
    folder = dirname(outputs);
    const env = { TILE_SIZE: '64', LOG_LEVEL: 'warn', RESULT_TTL_S: String(RESULT_TTL_S) };
    caller = new Caller(await Pipeline.start({ env: { ...env, ...home.env }, maxWorkers: 2 }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await home.close();
  });

  /** Uploads picture number `seed`. */
  async function post(sent: Sent, name: string, seed: number, kernel: number): Promise<Status> {
    const accepted = await caller.post(await pngOf(seed), `name=${name}&kernel=${kernel}`);
    sent.set(accepted.id, { name, seed, kernel });
    return accepted;
  }

  /** Checks the result of every image. Returns the ids of those that have theirs. */
  async function checkAll(sent: Sent): Promise<string[]> {
    const present: string[] = [];
    for (const [id, { seed, kernel }] of sent) {
      const response = await caller.fetchResult(id);
      if (response.status === 410) await checkReplaced(id, response, sent);
      else present.push(await checkOwn(id, response, convolve(draw(seed), kernel).data));
    }
    return present;
  }

  async function checkOwn(id: string, response: Response, wanted: Uint8Array): Promise<string> {
    expect(response.status).toBe(200);
    expect(Buffer.compare((await toPixels(await response.bytes())).data, wanted)).toBe(0);
    return id;
  }

  /** The reason must name an image that was sent, and the status must contain it too. */
  async function checkReplaced(id: string, response: Response, sent: Sent): Promise<void> {
    const problem = (await response.json()) as { code: string; detail: string };
    expect(problem.code).toBe('replaced');
    const by = /by that of image ([0-9a-f]{24}) \("(.*)", kernel (\d+)\)/.exec(problem.detail);
    expect(sent.get(by?.[1] ?? '')).toMatchObject({ name: by?.[2], kernel: Number(by?.[3]) });
    const status = { status: 'done', output: null, result: null, error: problem.detail };
    expect(await caller.status(id)).toMatchObject(status);
  }

  it.each<[what: string, uploads: [name: string, seed: number, kernel: number][]]>([
    ['a PNG and a JPEG of one name', [['one.png', 1, 9], ['one.jpg', 2, 9]]], // prettier-ignore
    ['one name with other kernels', [['two.png', 1, 21], ['two.png', 1, 15], ['two.png', 1, 21]]], // prettier-ignore
    ['one name with other pictures', [['three.png', 1, 9], ['three.png', 2, 9], ['three.png', 1, 9]]], // prettier-ignore
  ])('are each their own image, or a reason: %s, one after another', async (_what, uploads) => {
    const sent: Sent = new Map();
    for (const [name, seed, kernel] of uploads) {
      const { id } = await post(sent, name, seed, kernel);
      const { output } = await caller.done(id);
      expect(output).toMatch(store === 'redis' ? new RegExp(`^${id}/`) : /^[a-z]+_blurred\.png$/);
      const present = await checkAll(sent);
      expect(present).toEqual(store === 'redis' ? [...sent.keys()] : [id]);
    }
  });

  it('are each their own image, or a reason, when all are sent at once', async () => {
    const sent: Sent = new Map();
    const kinds: [string, number, number][] = [
      ['once.png', 1, 9],
      ['once.jpg', 2, 9],
      ['once.png', 3, 9],
      ['once.png', 1, 5],
    ];
    const accepted = await Promise.all(kinds.map(([...kind]) => post(sent, ...kind)));
    for (const { id } of accepted) {
      await until(`${id} to be over`, async () => (await caller.status(id)).status === 'done');
    }
    const present = await checkAll(sent);
    expect(present).toHaveLength(store === 'redis' ? 4 : 1);
  });

  it('can be requested by their ETag, and by HEAD without their bytes', async () => {
    const { id } = await caller.blur(await pngOf(4), 'name=etag.png&kernel=3');
    const full = await caller.fetchResult(id);
    const etag = full.headers.get('etag') ?? '';
    expect(etag).toMatch(new RegExp(`^"${id}-.+"$`));
    const { length } = await full.bytes();

    const same = await caller.fetchResult(id, { headers: { 'if-none-match': `"other", ${etag}` } });
    expect([same.status, same.headers.get('etag'), (await same.bytes()).length]).toEqual([304, etag, 0]);
    const other = await caller.fetchResult(id, { headers: { 'if-none-match': '"other"' } });
    expect([other.status, (await other.bytes()).length]).toEqual([200, length]);
    const head = await caller.fetchResult(id, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
      200,
      String(length),
      etag,
    ]);
    expect(await head.text()).toBe('');
  });

  it('are deleted on request, each only its own', async () => {
    const sent: Sent = new Map();
    const first = await post(sent, 'deleted.png', 1, 3);
    await caller.done(first.id);
    const second = await post(sent, 'deleted.png', 2, 3);
    await caller.done(second.id);
    const remove = (id: string) => fetch(`${caller.pipeline.splitUrl}/images/${id}`, { method: 'DELETE' });

    expect((await remove(first.id)).status).toBe(200);
    expect((await caller.fetchResult(second.id)).status).toBe(200);
    expect((await caller.fetchResult(first.id)).status).toBe(410);
    expect((await remove(second.id)).status).toBe(200);
    const gone = await caller.fetchResult(second.id);
    expect([gone.status, await gone.json()]).toMatchObject([
      410,
      { code: 'result-gone', detail: expect.stringContaining('deleted on request') as string },
    ]);
    expect(await caller.status(second.id)).toMatchObject({ status: 'done', output: null, result: null });
    expect(await home.outputs()).not.toContain('deleted_blurred.png');
    expect(await caller.blur(await pngOf(2), 'name=deleted.png&kernel=3')).toMatchObject({ id: second.id });
    expect((await caller.fetchResult(second.id)).status).toBe(200);
  });

  it('that are gone are reported as gone, and made again when the image is sent again', async () => {
    const png = await pngOf(5);
    const { id, output } = await caller.blur(png, 'name=gone.png&kernel=3');
    if (store === 'redis') await caller.pipeline.redis.unlink(`image:${id}:result`);
    else await home.removeOutput(output ?? '');
    const gone = await caller.fetchResult(id);
    expect([gone.status, await gone.json()]).toMatchObject([410, { code: 'result-gone' }]);
    expect(await caller.status(id)).toMatchObject({ status: 'done', output: null, result: null });
    expect(await caller.blur(png, 'name=gone.png&kernel=3')).toMatchObject({ id, output });
    expect(Buffer.compare((await caller.result(id)).data, convolve(draw(5), 3).data)).toBe(0);
  });

  describe.runIf(store !== 'redis')('named after their images', () => {
    it('keep the name of their image if no other image has it', async () => {
      const jpeg = await sharp(await pngOf(1))
        .jpeg()
        .toBuffer();
      await home.putInput('plain/a.jpg', jpeg);
      await home.putInput('plain/b.png', await pngOf(2));
      for (const { id } of await caller.postInputs('plain', 3)) await caller.done(id);
      const names = (await home.outputs()).filter((name) => name.startsWith('plain/'));
      expect(names).toEqual(['plain/a_blurred.png', 'plain/b_blurred.png']);
    });

    it('are all there after a folder with colliding names, and are left alone when it is sent again', async () => {
      const names = ['photo.JPG', 'photo.jpg', 'photo.jpg.png', 'photo.png', 'sub/photo.jpg'].map(
        (name) => `meet/${name}`,
      );
      for (const [seed, name] of names.entries()) await home.putInput(name, await pngOf(seed));
      // One of them was blurred before, when no other image had its name.
      const [first] = await caller.postInputs('meet/photo.jpg', 5);
      await caller.done(first.id);

      const images = await caller.postInputs('meet', 5);
      for (const { id } of images) await caller.done(id);
      const sent: Sent = new Map(
        images.map(({ id, name }) => [id, { name, seed: names.indexOf(name), kernel: 5 }]),
      );
      expect(images.map(({ name }) => name)).toEqual(names);
      expect(images).toContainEqual(expect.objectContaining({ id: first.id, status: 'done' }));
      expect(await checkAll(sent)).toEqual([...sent.keys()]);

      const before = await Promise.all(images.map(({ id }) => caller.status(id)));
      const again = await caller.postInputs('meet', 5);
      expect(again.map(({ status }) => status)).toEqual(names.map(() => 'done'));
      expect(await Promise.all(images.map(({ id }) => caller.status(id)))).toEqual(before);
      expect(await checkAll(sent)).toEqual([...sent.keys()]);
    });
  });

  describe.runIf(store === 'file')('in a folder', () => {
    it('are removed after RESULT_TTL_S, when the next image is sent', async () => {
      const old = new Date(Date.now() - 2 * RESULT_TTL_S * 1000);
      const { id, output } = await caller.blur(await pngOf(8), 'name=old.png&kernel=3');
      await utimes(join(outputs, output ?? ''), old, old);
      const { output: young } = await caller.blur(await pngOf(8), 'name=young.png&kernel=3');
      await until('the old result to be removed', async () => (await caller.status(id)).output === null);
      const gone = await caller.fetchResult(id);
      expect([gone.status, await gone.json()]).toMatchObject([410, { code: 'result-gone' }]);
      expect(await readdir(outputs)).toContain(young);
    });

    it('are sent whole, with their own length, while others replace them or are removed', async () => {
      const { id, output } = await caller.blur(await pngOf(6), 'name=swap.png&kernel=3');
      const place = join(outputs, output ?? '');
      const own = await readFile(place);
      await caller.blur(await toPng(picture(150, 120), 3), 'name=swap.png&kernel=3');
      const other = await readFile(place);

      const over = new AbortController();
      const swapping = (async () => {
        for (let turn = 0; !over.signal.aborted; turn++) {
          const next = join(folder, `next-${turn % 2}`);
          await writeFile(next, turn % 2 === 0 ? own : other);
          await rename(next, place);
        }
      })();
      const statuses = new Set<number>();
      for (let round = 0; round < 150 || statuses.size < 2; round++) {
        const response = await caller.fetchResult(id);
        statuses.add(response.status);
        const body = await response.bytes();
        const isRight = response.status === 410 || (response.status === 200 && own.equals(body));
        expect(isRight).toBe(true);
      }
      over.abort();
      await swapping;
    });

    it('are not confused with another file in their place', async () => {
      const { id, output } = await caller.blur(await pngOf(7), 'name=foreign.png&kernel=3');
      const place = join(outputs, output ?? '');
      for (const put of [
        () => writeFile(place, 'notes'),
        async () => writeFile(place, await pngOf(1)),
        async () => {
          await rm(place);
          await mkdir(place);
        },
      ]) {
        await put();
        expect((await caller.fetchResult(id)).status).toBe(410);
        expect((await stat(place)).mtimeMs).toBeGreaterThan(0);
      }
    });

    it.runIf(process.platform === 'linux')('are closed however a request ends', async () => {
      const { id } = await caller.blur(await toPng(picture(1500, 1500), 3), 'name=large.png&kernel=1');
      const etag = (await caller.fetchResult(id, { method: 'HEAD' })).headers.get('etag') ?? '';
      const openFiles = async () => {
        const files = await readdir(`/proc/${caller.pipeline.split.pid}/fd`);
        return files.length;
      };
      const before = await openFiles();
      for (let round = 0; round < 15; round++) {
        await caller.fetchResult(id, { method: 'HEAD' });
        await caller.fetchResult(id, { headers: { 'if-none-match': etag } });
        await caller.status(id);
        await (await caller.fetchResult(id)).bytes();
        const left = await caller.fetchResult(id);
        await left.body?.cancel();
      }
      // A connection that the caller keeps open, or has just closed, is an open file too.
      await until('what was opened to be closed', async () => (await openFiles()) < before + 10);
    });
  });
});
