// Which kernels Tessera blurs with; settings, requests and the convolution all ask here.

export const LARGEST_KERNEL = 255;

/** Whether `value` is a kernel size Tessera can blur with: an odd integer from 1 to 255. */
export function isKernelSize(value: number): boolean {
  return Number.isInteger(value) && value % 2 === 1 && value >= 1 && value <= LARGEST_KERNEL;
}
