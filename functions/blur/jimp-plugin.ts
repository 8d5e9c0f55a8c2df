// `tessera/jimp-plugin`: with `createJimp({ plugins: [blurPlugin] })` every image has a `gaussianBlur(kernelSize)`.
import { convolve } from './convolve/convolve.ts';

/** What the plugin needs of a Jimp image. */
export interface BitmapImage {
  bitmap: { data: Buffer; width: number; height: number };
}

/** A Jimp 1.x plugin. Jimp's own `gaussian` and `blur` stay as they are. */
export const blurPlugin = {
  /**
   * Blurs the whole image with a Gaussian, sigma = kernelSize / 3, and returns the image. `kernelSize` is an odd integer
   * from 1 to 255; anything else throws a RangeError and leaves the image as it was. The bitmap gets new data.
   */
  gaussianBlur<I extends BitmapImage>(image: I, kernelSize: number): I {
    const { data } = convolve(image.bitmap, kernelSize);
    image.bitmap.data = Buffer.from(data.buffer);
    return image;
  },
};
