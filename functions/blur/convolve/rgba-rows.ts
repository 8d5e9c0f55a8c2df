// The horizontal pass where alpha counts: pixels of the RGBA window in, rows of 64-bit floats out. Colours are
// multiplied by their alpha first, so that a transparent pixel's colour counts nothing. The recursion is that of
// rgb-rows.ts; the products have too many values for tables and are multiplied out.
import type { CosineKernel } from './kernel.ts';
import { LONGEST_LINE, RGBA_ROW, rgbaWindow, rows, viewsOn } from './scratch.ts';

const pixels = new Int32Array(rgbaWindow);
const line = new ArrayBuffer(LONGEST_LINE * 4 * 8);
// Views two pixels apart: L1G is the next pixel's green, T1G where its sum goes.
const [L0R, L0G, L0B, L0A, L1R, L1G, L1B, L1A] = viewsOn(line, Float64Array, 2, 4, 4);
const [T0R, T0G, T0B, T0A, T1R, T1G, T1B, T1A] = viewsOn(rows, Float64Array, 2, 4, 4);

const SLOW_WEIGHTS = new Float64Array(128);
const FAST_WEIGHTS = new Float64Array(128);
const SLOW_SLOPES = new Float64Array(128);
const FAST_SLOPES = new Float64Array(128);
/** y(0) and y(−1) of the slow cosine and of the fast one. */
const FIRST = new Float64Array(4);
/** Both cosines' steps, w(r) of the slow and of the fast one, w(r + 1) of the fast one; the slow one's is 1. */
const CONSTANTS = new Float64Array(5);

/** Makes the pass ready for a kernel. Answers what the sums it writes must be multiplied with. */
export function prepareRgbaRows({ slow, fast }: CosineKernel): number {
  const scale = slow.past;
  SLOW_WEIGHTS.set(slow.weights.map((weight) => weight / scale));
  FAST_WEIGHTS.set(fast.weights.map((weight) => weight / scale));
  SLOW_SLOPES.set(slow.slopes.map((slope) => slope / scale));
  FAST_SLOPES.set(fast.slopes.map((slope) => slope / scale));
  CONSTANTS.set([slow.step, fast.step, slow.edge / scale, fast.edge / scale, fast.past / scale]);
  return scale;
}

/**
 * Slides along `height` lines of the RGBA window, each `width + size − 1` pixels, and writes `width` pixels of each.
 * One more may be written after the last.
 */
export function slideRgbaRows(width: number, height: number, size: number): void {
  const length = width + size - 1;
  for (let y = 0; y < height; y++) {
    premultiply(y * length, length);
    slideLine(y * RGBA_ROW, width, (size - 1) / 2);
  }
}

/** Writes to the line `length` pixels from pixel `first` of the window. Red is a word's lowest byte, alpha its highest. */
function premultiply(first: number, length: number): void {
  let to = 0;
  const end = (first + length) | 0;
  for (let i = first | 0; i < end; i = (i + 1) | 0) {
    const pixel = pixels[i];
    const alpha = pixel >>> 24;
    // Both products fit 16 bits: one multiplication makes the two.
    const redAndBlue = Math.imul(pixel & 0xff00ff, alpha);
    L0R[to] = redAndBlue & 0xffff;
    L0G[to] = Math.imul((pixel >>> 8) & 0xff, alpha);
    L0B[to] = redAndBlue >>> 16;
    L0A[to] = alpha;
    to = (to + 4) | 0;
  }
}

/** The first sums of a channel, from index `first` of the line on, to FIRST. */
function sumFirst(first: number, radius: number): void {
  let low = (first + radius * 4) | 0;
  let high = low;
  let slow = SLOW_WEIGHTS[0] * L0R[low];
  let fast = FAST_WEIGHTS[0] * L0R[low];
  let slowRise = 0;
  let fastRise = 0;
  for (let m = 1; m <= radius; m++) {
    low = (low - 4) | 0;
    high = (high + 4) | 0;
    const before = L0R[low];
    const after = L0R[high];
    const sum = after + before;
    const rise = after - before;
    slow += SLOW_WEIGHTS[m] * sum;
    fast += FAST_WEIGHTS[m] * sum;
    slowRise += SLOW_SLOPES[m] * rise;
    fastRise += FAST_SLOPES[m] * rise;
  }
  FIRST[0] = slow;
  FIRST[1] = 0.5 * CONSTANTS[0] * slow - slowRise - L0R[high];
  FIRST[2] = fast;
  FIRST[3] = 0.5 * CONSTANTS[1] * fast - fastRise - CONSTANTS[4] * L0R[high];
}

/** From the line to index `to` of `rows`. The names are those of rgb-rows.ts. */
function slideLine(to: number, width: number, radius: number): void {
  const slow = CONSTANTS[0];
  const fast = CONSTANTS[1];
  const slowEdge = CONSTANTS[2];
  const fastEdge = CONSTANTS[3];
  const fastPast = CONSTANTS[4];
  sumFirst(0, radius);
  let sR = FIRST[0];
  let tR = FIRST[1];
  let fR = FIRST[2];
  let gR = FIRST[3];
  sumFirst(1, radius);
  let sG = FIRST[0];
  let tG = FIRST[1];
  let fG = FIRST[2];
  let gG = FIRST[3];
  sumFirst(2, radius);
  let sB = FIRST[0];
  let tB = FIRST[1];
  let fB = FIRST[2];
  let gB = FIRST[3];
  sumFirst(3, radius);
  let sA = FIRST[0];
  let tA = FIRST[1];
  let fA = FIRST[2];
  let gA = FIRST[3];
  let lead = (radius * 8) | 0;
  let aR = L0R[lead];
  let aG = L0G[lead];
  let aB = L0B[lead];
  let aA = L0A[lead];
  let bR = 0;
  let bG = 0;
  let bB = 0;
  let bA = 0;
  lead = (lead + 4) | 0;
  let trail = 0;

  const end = (to + width * 4) | 0;
  for (to = to | 0; to < end; to = (to + 8) | 0) {
    {
      const x0 = L0A[lead];
      const z0 = L0A[trail];
      const edge0 = x0 + bA;
      const past0 = aA + z0;
      T0A[to] = sA + fA;
      tA = slow * sA + (slowEdge * edge0 - past0 - tA);
      gA = fast * fA + (fastEdge * edge0 - fastPast * past0 - gA);
      const x1 = L1A[lead];
      const z1 = L1A[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      T1A[to] = tA + gA;
      sA = slow * tA + (slowEdge * edge1 - past1 - sA);
      fA = fast * gA + (fastEdge * edge1 - fastPast * past1 - fA);
      aA = x1;
      bA = z1;
    }
    {
      const x0 = L0R[lead];
      const z0 = L0R[trail];
      const edge0 = x0 + bR;
      const past0 = aR + z0;
      T0R[to] = sR + fR;
      tR = slow * sR + (slowEdge * edge0 - past0 - tR);
      gR = fast * fR + (fastEdge * edge0 - fastPast * past0 - gR);
      const x1 = L1R[lead];
      const z1 = L1R[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      T1R[to] = tR + gR;
      sR = slow * tR + (slowEdge * edge1 - past1 - sR);
      fR = fast * gR + (fastEdge * edge1 - fastPast * past1 - fR);
      aR = x1;
      bR = z1;
    }
    {
      const x0 = L0G[lead];
      const z0 = L0G[trail];
      const edge0 = x0 + bG;
      const past0 = aG + z0;
      T0G[to] = sG + fG;
      tG = slow * sG + (slowEdge * edge0 - past0 - tG);
      gG = fast * fG + (fastEdge * edge0 - fastPast * past0 - gG);
      const x1 = L1G[lead];
      const z1 = L1G[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      T1G[to] = tG + gG;
      sG = slow * tG + (slowEdge * edge1 - past1 - sG);
      fG = fast * gG + (fastEdge * edge1 - fastPast * past1 - fG);
      aG = x1;
      bG = z1;
    }
    {
      const x0 = L0B[lead];
      const z0 = L0B[trail];
      const edge0 = x0 + bB;
      const past0 = aB + z0;
      T0B[to] = sB + fB;
      tB = slow * sB + (slowEdge * edge0 - past0 - tB);
      gB = fast * fB + (fastEdge * edge0 - fastPast * past0 - gB);
      const x1 = L1B[lead];
      const z1 = L1B[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      T1B[to] = tB + gB;
      sB = slow * tB + (slowEdge * edge1 - past1 - sB);
      fB = fast * gB + (fastEdge * edge1 - fastPast * past1 - fB);
      aB = x1;
      bB = z1;
    }
    lead = (lead + 8) | 0;
    trail = (trail + 8) | 0;
  }
}
