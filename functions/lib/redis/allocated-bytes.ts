// How much memory a value really takes in Redis.

/**
 * Returns the memory that Redis takes for a string of `bytes`. Its allocator has four sizes between two
 * powers of two.
 */
export function allocatedBytes(bytes: number): number {
  const step = Math.max(16, 2 ** Math.floor(Math.log2(bytes)) / 4);
  return Math.ceil((bytes + 1) / step) * step;
}
