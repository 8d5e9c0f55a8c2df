// The convolution of one tile, in the main thread or in a thread of the pool.
import { freeBytes, type Bitmap, type Rect } from '../lib/image/pixels.ts';
import { convolve } from './convolve/convolve.ts';

export interface ConvolveTask {
  source: Bitmap;
  kernelSize: number;
  core: Rect;
}

/** Returns the blurred core and frees the source's memory. */
export function convolveTile({ source, kernelSize, core }: ConvolveTask): Uint8Array {
  const { data } = convolve(source, kernelSize, core);
  freeBytes(source.data);
  return data;
}
