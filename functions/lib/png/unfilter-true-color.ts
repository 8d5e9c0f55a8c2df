// The filters of 8-bit RGB and RGBA rows undone, one function for each pixel size: these loops are half the time of
// decoding a photo. No branches in them, indices kept in int32 by `| 0`, the pixel to the left kept in variables.
// Parameters as in `unfilterRow`, with `p` in raw, `u` above, `o` in out.
export function undoSub3(raw: Buffer, p: number, out: Buffer, o: number, length: number): void {
  p = p | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  while (o < end) {
    out[o] = r = (raw[p] + r) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + g) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + b) & 255;
    p = (p + 3) | 0;
    o = (o + 3) | 0;
  }
}

export function undoSub4(raw: Buffer, p: number, out: Buffer, o: number, length: number): void {
  p = p | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  let a = 0;
  while (o < end) {
    out[o] = r = (raw[p] + r) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + g) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + b) & 255;
    out[(o + 3) | 0] = a = (raw[(p + 3) | 0] + a) & 255;
    p = (p + 4) | 0;
    o = (o + 4) | 0;
  }
}

export function undoAverage3(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
): void {
  p = p | 0;
  u = u | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  while (o < end) {
    out[o] = r = (raw[p] + ((r + above[u]) >> 1)) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + ((g + above[(u + 1) | 0]) >> 1)) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + ((b + above[(u + 2) | 0]) >> 1)) & 255;
    p = (p + 3) | 0;
    u = (u + 3) | 0;
    o = (o + 3) | 0;
  }
}

export function undoAverage4(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
): void {
  p = p | 0;
  u = u | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  let a = 0;
  while (o < end) {
    out[o] = r = (raw[p] + ((r + above[u]) >> 1)) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + ((g + above[(u + 1) | 0]) >> 1)) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + ((b + above[(u + 2) | 0]) >> 1)) & 255;
    out[(o + 3) | 0] = a = (raw[(p + 3) | 0] + ((a + above[(u + 3) | 0]) >> 1)) & 255;
    p = (p + 4) | 0;
    u = (u + 4) | 0;
    o = (o + 4) | 0;
  }
}

export function undoPaeth3(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
): void {
  p = p | 0;
  u = u | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  let upLeftR = 0;
  let upLeftG = 0;
  let upLeftB = 0;
  while (o < end) {
    const upR = above[u];
    const upG = above[(u + 1) | 0];
    const upB = above[(u + 2) | 0];
    out[o] = r = (raw[p] + predict(r, upR, upLeftR)) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + predict(g, upG, upLeftG)) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + predict(b, upB, upLeftB)) & 255;
    upLeftR = upR;
    upLeftG = upG;
    upLeftB = upB;
    p = (p + 3) | 0;
    u = (u + 3) | 0;
    o = (o + 3) | 0;
  }
}

export function undoPaeth4(
  raw: Buffer,
  p: number,
  above: Buffer,
  u: number,
  out: Buffer,
  o: number,
  length: number,
): void {
  p = p | 0;
  u = u | 0;
  o = o | 0;
  const end = (o + length) | 0;
  let r = 0;
  let g = 0;
  let b = 0;
  let a = 0;
  let upLeftR = 0;
  let upLeftG = 0;
  let upLeftB = 0;
  let upLeftA = 0;
  while (o < end) {
    const upR = above[u];
    const upG = above[(u + 1) | 0];
    const upB = above[(u + 2) | 0];
    const upA = above[(u + 3) | 0];
    out[o] = r = (raw[p] + predict(r, upR, upLeftR)) & 255;
    out[(o + 1) | 0] = g = (raw[(p + 1) | 0] + predict(g, upG, upLeftG)) & 255;
    out[(o + 2) | 0] = b = (raw[(p + 2) | 0] + predict(b, upB, upLeftB)) & 255;
    out[(o + 3) | 0] = a = (raw[(p + 3) | 0] + predict(a, upA, upLeftA)) & 255;
    upLeftR = upR;
    upLeftG = upG;
    upLeftB = upB;
    upLeftA = upA;
    p = (p + 4) | 0;
    u = (u + 4) | 0;
    o = (o + 4) | 0;
  }
}

/**
 * Paeth's predictor: of left, up and up-left, the one nearest to left + up - upLeft, in this order on ties. Signs
 * of differences, spread over 32 bits, select instead of branches: photos make them a coin toss to predict (1.9
 * times as slow, measured).
 */
export function predict(left: number, up: number, upLeft: number): number {
  const dx = (up - upLeft) | 0;
  const dy = (left - upLeft) | 0;
  const toLeft = Math.abs(dx) | 0;
  const toUp = Math.abs(dy) | 0;
  const toUpLeft = Math.abs((dx + dy) | 0) | 0;
  const isUpNearer = (toUp - toLeft) >> 31;
  const nearest = left ^ ((left ^ up) & isUpNearer);
  const distance = toLeft ^ ((toLeft ^ toUp) & isUpNearer);
  const isUpLeftNearer = (toUpLeft - distance) >> 31;
  return nearest ^ ((nearest ^ upLeft) & isUpLeftNearer);
}
