// The far side of the thread pool: convolving blocks, and must not block the thread that extends leases.
import { move } from 'piscina';
import { freeBytes, type Bitmap, type Rect } from '../lib/pixels.ts';
import { convolve } from './convolve.ts';

export interface ConvolveTask {
  source: Bitmap;
  kernelSize: number;
  core: Rect;
}

/** Convolves one tile; the buffers move between the threads, they are not copied. */
export default function convolveTile({ source, kernelSize, core }: ConvolveTask): Uint8Array {
  const { data } = convolve(source, kernelSize, core);
  freeBytes(source.data);
  return move(data) as unknown as Uint8Array;
}
