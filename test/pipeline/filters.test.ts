// Filters through the whole pipeline: requested in every way, applied by workers, shown in status and errors.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convolve } from '../../functions/blur/convolve/convolve.ts';
import { sharpen } from '../../functions/blur/filters/sharpen.ts';
import { filterNames } from '../../functions/lib/filters/registry.ts';
import { picture, toPng, type Kind } from '../../functions/testing/pictures.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller } from '../support/caller.ts';

const KERNEL_SIZE = '5';
const original = picture(200, 131, 'soft-alpha');
const whole = { x: 0, y: 0, width: 200, height: 131 };

let folder: string;
let caller: Caller;
let png: Buffer<ArrayBuffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-filters-'));
  png = await toPng(original);
  await mkdir(join(folder, 'in/holidays'), { recursive: true });
  await writeFile(join(folder, 'in/holidays/a.png'), png);
  const paths = { INPUT_PATH: join(folder, 'in'), OUTPUT_PATH: join(folder, 'out') };
  const env = { TILE_SIZE: '64', LOG_LEVEL: 'warn', KERNEL_SIZE, ...paths };
  caller = new Caller(await Pipeline.start({ env, maxWorkers: 2 }));
});

afterAll(async () => {
  await caller.pipeline.stop();
  await rm(folder, { recursive: true });
});

async function post(query: string, body: string | Buffer<ArrayBuffer> = png): Promise<Response> {
  const headers = { 'content-type': typeof body === 'string' ? 'application/json' : 'image/png' };
  return fetch(`${caller.pipeline.splitUrl}/${query}`, { method: 'POST', body, headers });
}

describe('sharpen', () => {
  it.each<[Kind, 3 | 4, number, number]>([
    ['opaque', 3, 200, 150],
    ['opaque', 4, 131, 67],
    ['soft-alpha', 4, 129, 65],
    ['hard-alpha', 4, 97, 101],
    ['opaque', 3, 1, 1],
  ])(
    'sharpens a %s picture of %i channels, %ix%i, as if it had not been cut',
    async (kind, channels, width, height) => {
      const drawn = picture(width, height, kind);
      const file = await toPng(drawn, channels);
      const status = await caller.blur(file, 'name=cat.png&filter=sharpen&kernel=9&amount=1.5');
      expect(status).toMatchObject({ filter: 'sharpen', kernel: 9, amount: 1.5, output: 'cat_sharpen.png' });
      const { data } = sharpen(drawn, 9, 1.5, { x: 0, y: 0, width, height });
      expect(Buffer.compare((await caller.result(status.id)).data, data)).toBe(0);
    },
  );

  it('uses the kernel of the settings and an amount of 1 by default', async () => {
    const status = await caller.blur(png, 'name=default.png&filter=sharpen');
    expect(status).toMatchObject({ filter: 'sharpen', kernel: 5, amount: 1 });
    const { data } = sharpen(original, 5, 1, whole);
    expect(Buffer.compare((await caller.result(status.id)).data, data)).toBe(0);
  });
});

it('the same picture for two filters and two amounts is three images, each with its result', async () => {
  const queries = ['kernel=9', 'filter=sharpen&kernel=9', 'filter=sharpen&kernel=9&amount=2'];
  const ids = new Set<string>();
  for (const query of queries) ids.add((await caller.blur(png, `name=same.png&${query}`)).id);
  expect(ids.size).toBe(3);
  const again = await caller.post(png, 'name=same.png&filter=sharpen&kernel=9&amount=2.00');
  expect(again).toMatchObject({ id: [...ids][2], status: 'done' });
  const blurred = await caller.result([...ids][0]);
  expect(Buffer.compare(blurred.data, convolve(original, 9).data)).toBe(0);
  const [, replaced] = ids;
  expect(await (await caller.fetchResult(replaced)).json()).toMatchObject({
    code: 'replaced',
    detail: expect.stringContaining('"same.png", filter sharpen, kernel 9, amount 2') as string,
  });
  const results = (await readdir(join(folder, 'out'))).filter((name) => name.startsWith('same'));
  expect(results.sort()).toEqual(['same_blurred.png', 'same_sharpen.png']);
});

it('a blur can be requested with or without its name, and keeps its id of earlier releases', async () => {
  const id = createHash('sha256').update('id.png\n9\n').update(png).digest('hex').slice(0, 24);
  for (const query of ['kernel=9', 'filter=blur&kernel=9', 'kernel=009'])
    expect(await caller.blur(png, `name=id.png&${query}`)).toMatchObject({ id, filter: 'blur', kernel: 9 });
});

it('a folder is sharpened, and the next request asks for the same filter', async () => {
  const response = await post('', JSON.stringify({ input: 'holidays', filter: 'sharpen', amount: '0.5' }));
  expect(response.status).toBe(202);
  const { images } = (await response.json()) as { images: { id: string }[] };
  const status = await caller.done(images[0].id);
  expect(status).toMatchObject({ kernel: 5, amount: 0.5, output: 'holidays/a_sharpen.png' });
  const { data } = sharpen(original, 5, 0.5, whole);
  expect(Buffer.compare((await caller.result(status.id)).data, data)).toBe(0);
  // Results of any filter among the inputs are not inputs.
  await writeFile(
    join(folder, 'in/holidays/a_sharpen.png'),
    await (await caller.fetchResult(status.id)).bytes(),
  );
  const { skipped } = (await (await post('', '{"input":"holidays"}')).json()) as { skipped: unknown };
  const earlier = { name: 'holidays/a_sharpen.png', reason: 'the result of an earlier run' };
  expect(skipped).toEqual({ count: 1, files: [earlier] });
});

it.each([
  [
    'filter=emboss',
    'invalid-filter',
    `The filter is "emboss"; one of ${filterNames.join(', ')} is required.`,
  ],
  ['filter=sharpen&amount=11', 'invalid-filter', 'The amount is "11"; a number from 0.01 to 10 with at most'],
  [
    'filter=sharpen&kernel=4',
    'invalid-kernel',
    'The kernel is "4"; an odd integer from 1 to 255 is required.',
  ],
  [
    'amount=1',
    'invalid-request',
    'The query has "amount"; only "name", "filter", "kernel", "format", "quality" are allowed.',
  ],
])('?%s is refused', async (query, code, detail) => {
  const response = await post(`?${query}`);
  expect(response.status).toBe(400);
  const problem = (await response.json()) as { detail: string };
  expect(problem).toMatchObject({ code });
  expect(problem.detail).toContain(detail);
});
