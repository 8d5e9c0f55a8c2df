import { createJimp } from '@jimp/core';
import { describe, expect, test } from 'vitest';
import { drawImage } from '../testing/drawn-image.ts';
import { convolve } from './convolve/convolve.ts';
import { blurPlugin } from './jimp-plugin.ts';

const Jimp = createJimp({ plugins: [blurPlugin] });

function jimpImage() {
  const { data, width, height } = drawImage('soft alpha', 70, 50);
  return new Jimp({ data: Buffer.from(data), width, height });
}

describe('blurPlugin', () => {
  test('blurs a whole Jimp image, and can be chained', () => {
    const image = jimpImage();
    const before = image.bitmap.data;
    const untouched = Buffer.from(before);
    expect(image.gaussianBlur(15).gaussianBlur(5)).toBe(image);

    const once = convolve(drawImage('soft alpha', 70, 50), 15);
    expect(Buffer.isBuffer(image.bitmap.data)).toBe(true);
    expect(image.bitmap.data.equals(convolve(once, 5).data)).toBe(true);
    expect(image.width).toBe(70);
    expect(before.equals(untouched)).toBe(true);
  });

  test('leaves the image unchanged if the kernel is not allowed', () => {
    const image = jimpImage();
    const before = Buffer.from(image.bitmap.data);
    expect(() => image.gaussianBlur(4)).toThrow(RangeError);
    expect(image.bitmap.data.equals(before)).toBe(true);
  });
});
