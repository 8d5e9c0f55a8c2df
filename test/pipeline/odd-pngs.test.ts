// Odd PNGs through the whole pipeline: files that libpng opens give the same result as sound ones.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toleratedChunks } from '../../functions/testing/odd-pngs/tolerated-chunks.ts';
import { toleratedData } from '../../functions/testing/odd-pngs/tolerated-data.ts';
import { Pipeline } from '../../local/pipeline.ts';
import { Caller } from '../support/caller.ts';

let folder: string;
let caller: Caller;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-odd-'));
  const env = { LOG_LEVEL: 'warn', OUTPUT_PATH: folder };
  caller = new Caller(await Pipeline.start({ env, maxWorkers: 1 }));
});

afterAll(async () => {
  await caller.pipeline.stop();
  await rm(folder, { recursive: true });
});

describe('the pipeline blurs like its sound twin a PNG with', () => {
  const cases = [...toleratedData, ...toleratedChunks].flatMap(({ files }) =>
    Object.entries(files).map(([what, [odd, sound]]) => ({ what, odd, sound })),
  );

  it.each(cases)('$what', async ({ odd, sound }) => {
    const [first, second] = await Promise.all(
      [odd, sound].map(async (file, at) => {
        const { id } = await caller.blur(new Uint8Array(file), `name=${at}.png&kernel=3`);
        return caller.result(id);
      }),
    );
    expect(first).toEqual(second);
  });
});
