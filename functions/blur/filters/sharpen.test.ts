import { describe, expect, test } from 'vitest';
import { channelsOf, type Bitmap, type Rect } from '../../lib/image/pixels.ts';
import { alphaKinds, crop, drawImage, opaqueKinds } from '../../testing/drawn-image.ts';
import { blurByDefinition } from '../../testing/gaussian-reference.ts';
import { sharpen as sharpenCore } from './sharpen.ts';

/** Sharpens the whole image unless a core is given. */
function sharpen(source: Bitmap, kernelSize: number, amount: number, core?: Rect): Bitmap {
  const { width, height } = source;
  return sharpenCore(source, kernelSize, amount, core ?? { x: 0, y: 0, width, height });
}

/** The filter by its definition, written plainly: one sample after another, from the whole blurred image. */
function sharpenByDefinition(source: Bitmap, kernelSize: number, amount: number): Uint8Array {
  const channels = channelsOf(source);
  const blurred = blurByDefinition(source, kernelSize).data;
  return source.data.map((sample, i) => {
    const alpha = channels === 4 ? source.data[i - (i % 4) + 3] : 255;
    if (alpha === 0) return 0;
    if (channels === 4 && i % 4 === 3) return alpha;
    const sharpened = Math.floor(sample + amount * (sample - blurred[i]) + 0.5);
    return Math.max(0, Math.min(255, sharpened));
  });
}

function worstDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((worst, sample, i) => Math.max(worst, Math.abs(sample - b[i])), 0);
}

describe.each([
  [1, 1],
  [3, 0.01],
  [9, 1.5],
  [15, 1],
  [51, 10],
  [255, 0.5],
])('sharpen, with a kernel of %d and an amount of %d', (kernelSize, amount) => {
  test.each([...opaqueKinds, ...alphaKinds])('equals its definition: %s', (kind) => {
    const source = drawImage(kind, 83, 59);
    const { data } = sharpen(source, kernelSize, amount);
    // The blur is within one level of its own definition.
    const tolerance = Math.ceil(amount);
    expect(worstDifference(data, sharpenByDefinition(source, kernelSize, amount))).toBeLessThanOrEqual(
      tolerance,
    );
  });

  test.each(opaqueKinds)('is the same for RGB as for an alpha of 255: %s', (kind) => {
    const rgb = sharpen(drawImage(kind, 83, 59, 3), kernelSize, amount);
    const rgba = sharpen(drawImage(kind, 83, 59, 4), kernelSize, amount);
    expect(rgb.data).toEqual(rgba.data.filter((_, i) => i % 4 !== 3));
  });

  test('leaves a flat image unchanged', () => {
    for (const level of [0, 1, 128, 255]) {
      const data = new Uint8Array(31 * 17 * 3).fill(level);
      expect(sharpen({ data, width: 31, height: 17 }, kernelSize, amount).data).toEqual(data);
    }
  });

  test('keeps grey grey', () => {
    const { data, width, height } = drawImage('noise', 41, 23, 3);
    const grey = { data: data.map((_, i) => data[i - (i % 3)]), width, height };
    const sharpened = sharpen(grey, kernelSize, amount).data;
    expect(sharpened).toEqual(sharpened.map((_, i) => sharpened[i - (i % 3)]));
  });
});

describe('sharpen', () => {
  test('makes both sides of an edge differ more, and clamps them', () => {
    const levels = Array.from({ length: 20 }, (_, x) => (x < 10 ? 60 : 200));
    const edge = {
      data: Uint8Array.from(levels.flatMap((level) => [level, level, level])),
      width: 20,
      height: 1,
    };
    const at = (amount: number, x: number) => sharpen(edge, 9, amount).data[x * 3];
    expect([at(1, 0), at(1, 19)]).toEqual([60, 200]);
    expect(at(1, 9)).toBeLessThan(30);
    expect(at(1, 10)).toBeGreaterThan(230);
    expect([at(10, 9), at(10, 10)]).toEqual([0, 255]);
  });

  test('keeps alpha unchanged', () => {
    for (const kind of alphaKinds) {
      const source = drawImage(kind, 60, 50);
      const alphaOf = (data: Uint8Array) => data.filter((_, i) => i % 4 === 3);
      expect(alphaOf(sharpen(source, 9, 2).data)).toEqual(alphaOf(source.data));
    }
  });

  test('does not let the colour of a transparent pixel change its neighbours', () => {
    const withHidden = (hidden: number[]) => ({
      data: Uint8Array.from(
        Array.from({ length: 40 * 9 }, (_, i) =>
          i % 40 < 20 ? [...hidden, 0] : [i % 251, 90, 200, 255],
        ).flat(),
      ),
      width: 40,
      height: 9,
    });
    const red = sharpen(withHidden([255, 0, 0]), 15, 3).data;
    expect(sharpen(withHidden([0, 255, 9]), 15, 3).data).toEqual(red);
    expect(red.subarray(0, 20 * 4)).toEqual(new Uint8Array(20 * 4));
  });

  test('returns the pixels of the core only, and does not change the source', () => {
    const source = drawImage('soft alpha', 70, 50);
    const before = source.data.slice();
    const core = { x: 13, y: 7, width: 31, height: 29 };
    const part = sharpen(source, 9, 1.5, core);
    expect(part).toEqual(crop(sharpen(source, 9, 1.5), core));
    expect(source.data).toEqual(before);
  });
});
