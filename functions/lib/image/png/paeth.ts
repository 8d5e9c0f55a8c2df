// Undoes the Paeth filter of PNG rows. Most rows of photos use it, and it takes longer than the other
// filters. Parameters are those of unfilter.ts.

/**
 * Returns Paeth's predictor: left, up or up-left, whichever is nearest to left + up - upLeft, in this order
 * for ties. That is the higher of left and up if 3 * upLeft - left - up is at most the lower one, the lower
 * one if it is at least the higher one, and otherwise up-left. The signs of differences, spread over 32 bits,
 * select the result instead of branches, because a CPU cannot predict these branches on photos (twice as
 * slow, measured).
 */
export function predict(left: number, up: number, upLeft: number): number {
  const threshold = (3 * upLeft - up - left) | 0;
  const difference = (left - up) | 0;
  const negative = difference & (difference >> 31);
  const lower = (up + negative) | 0;
  const higher = (left - negative) | 0;
  const otherwise = lower ^ ((lower ^ upLeft) & ((threshold - higher) >> 31));
  return higher ^ ((higher ^ otherwise) & ((lower - threshold) >> 31));
}

export function undoPaethOfRgb(
  raw: DataView,
  start: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
): void {
  let p = start | 0;
  let u = aboveAt | 0;
  let o = to | 0;
  const end = (o + length) | 0;
  let [r, g, b] = [0, 0, 0];
  let [upLeftR, upLeftG, upLeftB] = [0, 0, 0];
  for (; o < end; p = (p + 3) | 0, u = (u + 3) | 0, o = (o + 3) | 0) {
    const word = raw.getInt32(p, true);
    const up = above.getInt32(u, true);
    const upR = up & 255;
    const upG = (up >>> 8) & 255;
    const upB = (up >>> 16) & 255;
    r = (word + predict(r, upR, upLeftR)) & 255;
    g = ((word >>> 8) + predict(g, upG, upLeftG)) & 255;
    b = ((word >>> 16) + predict(b, upB, upLeftB)) & 255;
    out.setInt32(o, r | (g << 8) | (b << 16), true);
    upLeftR = upR;
    upLeftG = upG;
    upLeftB = upB;
  }
}

export function undoPaethOfRgba(
  raw: DataView,
  start: number,
  above: DataView,
  aboveAt: number,
  out: DataView,
  to: number,
  length: number,
): void {
  let p = start | 0;
  let u = aboveAt | 0;
  let o = to | 0;
  const end = (o + length) | 0;
  let [r, g, b, a] = [0, 0, 0, 0];
  let [upLeftR, upLeftG, upLeftB, upLeftA] = [0, 0, 0, 0];
  for (; o < end; p = (p + 4) | 0, u = (u + 4) | 0, o = (o + 4) | 0) {
    const word = raw.getInt32(p, true);
    const up = above.getInt32(u, true);
    const upR = up & 255;
    const upG = (up >>> 8) & 255;
    const upB = (up >>> 16) & 255;
    const upA = up >>> 24;
    r = (word + predict(r, upR, upLeftR)) & 255;
    g = ((word >>> 8) + predict(g, upG, upLeftG)) & 255;
    b = ((word >>> 16) + predict(b, upB, upLeftB)) & 255;
    a = ((word >>> 24) + predict(a, upA, upLeftA)) & 255;
    out.setInt32(o, r | (g << 8) | (b << 16) | (a << 24), true);
    upLeftR = upR;
    upLeftG = upG;
    upLeftB = upB;
    upLeftA = upA;
  }
}
