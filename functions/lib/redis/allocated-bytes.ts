// How much memory a value really takes in Redis.

/** What Redis takes for a string of `bytes`: its allocator has four sizes to each doubling. */
export function allocatedBytes(bytes: number): number {
  const step = Math.max(16, 2 ** Math.floor(Math.log2(bytes)) / 4);
  return Math.ceil((bytes + 1) / step) * step;
}
