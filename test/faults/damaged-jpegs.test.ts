// Photos with a part of their data zeroed, as by a bad disk or an unfinished download: almost none may be
// accepted with wrong pixels, and never more than sharp accepts. `npm run test:faults` does this with 60
// photos of each kind.
import { afterAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { decodeStored } from '../../functions/lib/image/jpeg/upright-bands.ts';
import { Problem } from '../../functions/lib/errors.ts';
import type { Bitmap } from '../../functions/lib/image/pixels.ts';
import { blocksOf, drawJpeg, tablesOf } from '../../functions/testing/drawn-jpeg.ts';
import { photo } from '../../functions/testing/photo.ts';
import { randomFrom } from '../../functions/testing/random.ts';
import { isFull } from '../support/full.ts';

/** Returns a number below this one. */
type Random = (below: number) => number;

const photos = isFull ? 60 : 8;
const scale = isFull ? 1 : 0.5;
const zeroedBytes = 512;

/** Returns a photo of some size, sharp or soft. */
async function someonesPhoto(random: Random): Promise<Bitmap> {
  const [width, height] = [400 + random(500), 300 + random(400)].map((side) => Math.round(scale * side));
  const { data } = photo(width, height);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return { data: await (random(2) === 0 ? image : image.blur(1.2)).raw().toBuffer(), width, height };
}

const quality = (random: Random): number => [60, 75, 85, 90, 95][random(5)];

const kinds: Record<string, (image: Bitmap, random: Random) => Promise<Buffer>> = {
  baseline: ({ data, width, height }, random) =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: quality(random), optimiseCoding: random(2) === 0 })
      .toBuffer(),
  progressive: ({ data, width, height }, random) =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: quality(random), progressive: true })
      .toBuffer(),
  'with restart markers': async (image, random) => {
    const { data, width, height } = image;
    const model = sharp(data, { raw: { width, height, channels: 3 } });
    const tables = tablesOf(await model.jpeg({ quality: quality(random), optimiseCoding: false }).toBuffer());
    const sampling: [number, number][] = [random(2) === 0 ? [2, 2] : [1, 1], [1, 1], [1, 1]];
    const block = blocksOf(image, sampling, tables);
    return drawJpeg({ width, height, sampling, block, restartInterval: 1 + random(100) }, tables);
  },
};

async function decode(file: Buffer): Promise<Buffer | null> {
  try {
    return Buffer.concat([...(await decodeStored(file))].map((band) => band.data));
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

const table: Record<string, object> = {};
afterAll(() => {
  if (isFull) console.table(table);
});

test.each(Object.keys(kinds))('accepts almost no damaged JPEG: %s', { timeout: 600_000 }, async (kind) => {
  const next = randomFrom(2025);
  const random = (below: number): number => Math.floor(next() * below);
  const accepted = { ours: 0, sharp: 0 };
  for (let i = 0; i < photos; i++) {
    const file = await kinds[kind](await someonesPhoto(random), random);
    const good = await decode(file);
    expect(good?.equals(await sharp(file).raw().toBuffer())).toBe(true);
    const start = file.indexOf('ffda', 0, 'hex') + 14;
    const at = start + random(file.length - 2 - zeroedBytes - start);
    const damaged = Buffer.from(file).fill(0, at, at + zeroedBytes);
    const ours = await decode(damaged);
    if (ours !== null && good?.equals(ours) === false) accepted.ours++;
    const theirs = await sharp(damaged)
      .raw()
      .toBuffer()
      .catch(() => null);
    if (theirs !== null && good?.equals(theirs) === false) accepted.sharp++;
  }
  table[kind] = { photos, 'accepted with wrong pixels': accepted.ours, 'by sharp': accepted.sharp };
  expect(accepted.ours).toBeLessThanOrEqual(Math.floor(0.02 * photos));
  expect(accepted.ours).toBeLessThanOrEqual(accepted.sharp);
});
