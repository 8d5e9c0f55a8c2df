// One tile's convolution, wherever it runs.
import { freeBytes, type Bitmap, type Rect } from '../lib/image/pixels.ts';
import { convolve } from './convolve/convolve.ts';

export interface ConvolveTask {
  source: Bitmap;
  kernelSize: number;
  core: Rect;
}

/** The blurred core. The source's memory is given back. */
export function convolveTile({ source, kernelSize, core }: ConvolveTask): Uint8Array {
  const { data } = convolve(source, kernelSize, core);
  freeBytes(source.data);
  return data;
}
