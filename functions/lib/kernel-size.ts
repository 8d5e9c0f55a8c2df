// The allowed kernel sizes, for settings, requests and the convolution.

export const LARGEST_KERNEL = 255;

/** Returns whether `value` is an allowed kernel size: an odd integer from 1 to 255. */
export function isKernelSize(value: number): boolean {
  return Number.isInteger(value) && value % 2 === 1 && value >= 1 && value <= LARGEST_KERNEL;
}
