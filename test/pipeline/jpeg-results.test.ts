// Results as JPEGs, from the request to the file.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { displayP3 } from '../../functions/testing/icc-profiles.ts';
import { picture, toPixels, toPng } from '../../functions/testing/pictures.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller } from '../support/caller.ts';
import { makeStoreHome, storeKinds, type StoreHome } from '../support/store-home.ts';

const run = promisify(execFile);
const kernel = 9;
const original = picture(150, 90);

/** Returns the mean difference of two pictures' samples. */
function difference(a: Bitmap, b: Bitmap): number {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  return a.data.reduce((sum, sample, at) => sum + Math.abs(sample - b.data[at]), 0) / a.data.length;
}

describe.each(storeKinds)('with STORE=%s a JPEG result', (store) => {
  let home: StoreHome;
  let caller: Caller;
  let png: Buffer<ArrayBuffer>;

  beforeAll(async () => {
    home = await makeStoreHome(store);
    const env = { ...home.env, LOG_LEVEL: 'error', TILE_SIZE: '64' };
    caller = new Caller(await Pipeline.start({ env, maxWorkers: 1 }));
    png = await toPng(original, 3);
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await home.close();
  });

  async function resultOf(body: Uint8Array<ArrayBuffer>, query: string): Promise<Buffer<ArrayBuffer>> {
    const { id } = await caller.blur(body, query);
    const response = await caller.fetchResult(id);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    return Buffer.from(await response.bytes());
  }

  it('has the blurred pixels, the name, the type and the label of its image', async () => {
    const query = `name=photo.png&kernel=${kernel}&format=jpeg&quality=95`;
    const status = await caller.blur(png, query);
    expect(status).toMatchObject({ format: 'jpeg', quality: 95 });
    expect(status.output).toMatch(/(^|\/)photo_blurred\.jpg$/);
    const response = await caller.fetchResult(status.id);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('content-disposition')).toContain('filename="photo_blurred.jpg"');
    const jpeg = Buffer.from(await response.bytes());
    expect(jpeg.subarray(0, 128).toString('latin1')).toContain(`Tessera-Image\0${status.id}`);
    expect(difference(await toPixels(jpeg), convolve(original, kernel))).toBeLessThan(2);
  });

  it('is another image than the PNG of the same bytes, and than one of another quality', async () => {
    const ids = ['', '&format=png', '&format=jpeg', '&format=jpeg&quality=85', '&format=jpeg&quality=50'].map(
      async (more) => (await caller.blur(png, `name=same.png&kernel=${kernel}${more}`)).id,
    );
    const [plain, asPng, jpeg, jpeg85, jpeg50] = await Promise.all(ids);
    expect([asPng, jpeg85]).toEqual([plain, jpeg]);
    expect(new Set([plain, jpeg, jpeg50]).size).toBe(3);
    expect((await caller.fetchResult(plain)).headers.get('content-type')).toBe('image/png');
  });

  it('is never sent for another image of its name', async () => {
    const first = await caller.blur(png, 'name=twice.png&kernel=3&format=jpeg');
    const second = await caller.blur(png, 'name=twice.png&kernel=5&format=jpeg');
    const answers = [await caller.fetchResult(first.id), await caller.fetchResult(second.id)];
    expect(answers[1].status).toBe(200);
    // In Redis each image has a place of its own.
    expect(answers[0].status).toBe(store === 'redis' ? 200 : 410);
    expect(
      (await fetch(`${caller.pipeline.splitUrl}/images/${second.id}`, { method: 'DELETE' })).status,
    ).toBe(200);
    expect((await caller.fetchResult(second.id)).status).toBe(410);
  });

  it('keeps colour profile and density', async () => {
    const icc = await displayP3();
    const source = await sharp(png)
      .withIccProfile('p3')
      .withMetadata({ density: 300, icc: 'p3' })
      .png()
      .toBuffer();
    const before = await sharp(source).metadata();
    const after = await sharp(
      await resultOf(Buffer.from(source), 'name=p3.png&kernel=3&format=jpeg'),
    ).metadata();
    expect(after.icc).toEqual(before.icc);
    expect(after.icc).toEqual(icc);
    expect(after.density).toBe(300);
  });

  it('shows what was transparent on white', async () => {
    const soft = picture(150, 90, 'soft-alpha');
    const jpeg = await resultOf(await toPng(soft), `name=soft.png&kernel=${kernel}&format=jpeg&quality=95`);
    const blurred = convolve(soft, kernel);
    const flat = await sharp(blurred.data, { raw: { width: 150, height: 90, channels: 4 } })
      .flatten({ background: 'white' })
      .png()
      .toBuffer();
    expect(difference(await toPixels(jpeg), await toPixels(flat))).toBeLessThan(2);
  });

  it('is sharpened too', async () => {
    const { output } = await caller.blur(png, 'name=photo.png&filter=sharpen&kernel=3&format=jpeg');
    expect(output).toMatch(/photo_sharpen\.jpg$/);
  });
});

describe('split', () => {
  let folder: string;
  let caller: Caller;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tessera-jpeg-results-'));
    await mkdir(join(folder, 'input/holiday'), { recursive: true });
    const env = {
      STORE: 'file',
      INPUT_PATH: join(folder, 'input'),
      OUTPUT_PATH: join(folder, 'input'),
      LOG_LEVEL: 'error',
      MAX_SIDE: '70000',
    };
    caller = new Caller(await Pipeline.start({ env, maxWorkers: 1 }));
  });

  afterAll(async () => {
    await caller.pipeline.stop();
    await rm(folder, { recursive: true });
  });

  it('refuses a picture that is too long for a JPEG before any work is done, and not as a PNG', async () => {
    const long = await toPng(picture(65_501, 2), 3);
    const post = (query: string) =>
      fetch(`${caller.pipeline.splitUrl}/?${query}`, { method: 'POST', body: long });
    const refused = await post('name=long.png&format=jpeg');
    expect([refused.status, await refused.json()]).toMatchObject([
      413,
      {
        code: 'image-too-large',
        detail: expect.stringContaining('at most 65500 on each side; ask for a PNG'),
      },
    ]);
    expect(await caller.pipeline.redis.keys('image:*:meta')).toEqual([]);
    expect((await post('name=long.png')).status).toBe(202);
  });

  it('makes JPEGs of a folder, whose names do not collide, and skips them the next time', async () => {
    const png = await toPng(picture(60, 40), 3);
    for (const name of ['a.png', 'A.png', 'b.png']) await writeFile(join(folder, 'input/holiday', name), png);
    await writeFile(join(folder, 'input/holiday/a.jpg'), await sharp(png).jpeg().toBuffer());
    const request = async () => {
      const response = await fetch(caller.pipeline.splitUrl, {
        method: 'POST',
        body: JSON.stringify({ input: 'holiday', kernel: 3, format: 'jpeg', quality: 70 }),
        headers: { 'content-type': 'application/json' },
      });
      return (await response.json()) as { images: { id: string }[]; skipped: { count: number } };
    };
    const { images } = await request();
    expect(images).toHaveLength(4);
    for (const { id } of images) expect(await caller.done(id)).toMatchObject({ format: 'jpeg', quality: 70 });
    const made = (await readdir(join(folder, 'input/holiday'))).filter((name) =>
      name.endsWith('_blurred.jpg'),
    );
    expect(made).toHaveLength(4);
    expect(made).toContain('b_blurred.jpg');
    const again = await request();
    expect({ images: again.images.length, skipped: again.skipped.count }).toEqual({ images: 4, skipped: 4 });
  });

  it('names the file for curl -OJ', async () => {
    const { id } = await caller.blur(await toPng(picture(30, 20), 3), 'name=été.png&kernel=3&format=jpeg');
    const place = await mkdtemp(join(folder, 'curl-'));
    await run('curl', ['--silent', '-OJ', `${caller.pipeline.splitUrl}/images/${id}/result`], { cwd: place });
    expect(await readdir(place)).toEqual(['été_blurred.jpg']);
  });
});
