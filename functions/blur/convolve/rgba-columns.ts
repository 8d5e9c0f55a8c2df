// The vertical pass where alpha counts: rows of 64-bit floats in, blurred bytes out, the colours divided by the blurred
// alpha. The recursion is that of rgb-rows.ts.
import type { CosineKernel } from './kernel.ts';
import { doubtfulPixels, result, RESULT_ROW, RGBA_ROW, rows, viewsOn } from './scratch.ts';
import { BIAS, LEVEL, SUM_ERROR } from './rounding.ts';

// Views two rows apart: T1G is the next row's green, O1G where its result goes.
const [T0R, T0G, T0B, T0A, T1R, T1G, T1B, T1A] = viewsOn(rows, Float64Array, 2, RGBA_ROW, 4);
const [O0R, O0G, O0B, O0A, O1R, O1G, O1B, O1A] = viewsOn(result, Int8Array, 2, RESULT_ROW, 4);
// Constants of this module are compiled in, imported ones are not.
const doubts = doubtfulPixels;
const fromRow = RGBA_ROW;
const toRow = RESULT_ROW;
const level = LEVEL;

const SLOW_WEIGHTS = new Float64Array(128);
const FAST_WEIGHTS = new Float64Array(128);
const SLOW_SLOPES = new Float64Array(128);
const FAST_SLOPES = new Float64Array(128);
/** y(0) and y(−1) of the slow cosine and of the fast one. */
const FIRST = new Float64Array(4);
/** Both cosines' steps, w(r) of the slow and of the fast one, w(r + 1) of the fast one; the slow one's is 1. */
const CONSTANTS = new Float64Array(8);
const FRACTION = LEVEL - 1;
/** The fraction but for its lowest bit: all 0 at the border between two bytes, see BIAS. */
const BORDER = LEVEL - 2;
const HALF = LEVEL / 2;
const ROUNDING = BIAS * LEVEL;

/**
 * Makes the pass ready for a kernel, and for sums that are to be multiplied with `rowScale`.
 */
export function prepareRgbaColumns({ weights, slow, fast }: CosineKernel, rowScale: number): void {
  const scale = slow.past;
  SLOW_WEIGHTS.set(slow.weights.map((weight) => weight / scale));
  FAST_WEIGHTS.set(fast.weights.map((weight) => weight / scale));
  SLOW_SLOPES.set(slow.slopes.map((slope) => slope / scale));
  FAST_SLOPES.set(fast.slopes.map((slope) => slope / scale));
  CONSTANTS.set([slow.step, fast.step, slow.edge / scale, fast.edge / scale, fast.past / scale]);
  const unit = scale * rowScale;
  // The least sum that is not none at all is one pixel of alpha 1 in the window's corner.
  CONSTANTS.set([weights[0] ** 2 / 2 / unit, unit * LEVEL, (SUM_ERROR * 510) / unit], 5);
}

/** The first sums of a channel, from index `first` of `rows` on, to FIRST. */
function sumFirst(first: number, radius: number): void {
  let low = (first + radius * fromRow) | 0;
  let high = low;
  let slow = SLOW_WEIGHTS[0] * T0R[low];
  let fast = FAST_WEIGHTS[0] * T0R[low];
  let slowRise = 0;
  let fastRise = 0;
  for (let m = 1; m <= radius; m++) {
    low = (low - fromRow) | 0;
    high = (high + fromRow) | 0;
    const before = T0R[low];
    const after = T0R[high];
    const sum = after + before;
    const rise = after - before;
    slow += SLOW_WEIGHTS[m] * sum;
    fast += FAST_WEIGHTS[m] * sum;
    slowRise += SLOW_SLOPES[m] * rise;
    fastRise += FAST_SLOPES[m] * rise;
  }
  FIRST[0] = slow;
  FIRST[1] = 0.5 * CONSTANTS[0] * slow - slowRise - T0R[high];
  FIRST[2] = fast;
  FIRST[3] = 0.5 * CONSTANTS[1] * fast - fastRise - CONSTANTS[4] * T0R[high];
}

/**
 * Slides down the column of pixels `x`, writes its `height` bytes of each channel, and answers how many pixels stand in
 * `doubtfulPixels`. One more row may be written after the last, and may stand there.
 */
export function slideRgbaColumn(x: number, height: number, radius: number): number {
  const slow = CONSTANTS[0];
  const fast = CONSTANTS[1];
  const slowEdge = CONSTANTS[2];
  const fastEdge = CONSTANTS[3];
  const fastPast = CONSTANTS[4];
  const leastAlpha = CONSTANTS[5];
  const alphaLevel = CONSTANTS[6];
  const colourDoubt = CONSTANTS[7];

  sumFirst(x * 4, radius);
  let sR = FIRST[0];
  let tR = FIRST[1];
  let fR = FIRST[2];
  let gR = FIRST[3];
  sumFirst(x * 4 + 1, radius);
  let sG = FIRST[0];
  let tG = FIRST[1];
  let fG = FIRST[2];
  let gG = FIRST[3];
  sumFirst(x * 4 + 2, radius);
  let sB = FIRST[0];
  let tB = FIRST[1];
  let fB = FIRST[2];
  let gB = FIRST[3];
  sumFirst(x * 4 + 3, radius);
  let sA = FIRST[0];
  let tA = FIRST[1];
  let fA = FIRST[2];
  let gA = FIRST[3];
  let lead = (x * 4 + 2 * radius * fromRow) | 0;
  let aR = T0R[lead];
  let aG = T0G[lead];
  let aB = T0B[lead];
  let aA = T0A[lead];
  let bR = 0;
  let bG = 0;
  let bB = 0;
  let bA = 0;
  lead = (lead + fromRow) | 0;
  let trail = (x * 4) | 0;

  let count = 0;
  let to = (x * 4) | 0;
  const end = (to + height * toRow) | 0;
  for (; to < end; to = (to + 2 * toRow) | 0) {
    let inverse0 = 0;
    let inverse1 = 0;
    {
      const x0 = T0A[lead];
      const z0 = T0A[trail];
      const edge0 = x0 + bA;
      const past0 = aA + z0;
      const sum0 = sA + fA;
      inverse0 = sum0 < leastAlpha ? 0 : level / sum0;
      const v0 = (sum0 * alphaLevel + ROUNDING) | 0;
      O0A[to] = v0 >> 23;
      if ((v0 & BORDER) === 0) doubts[count++] = to;
      tA = slow * sA + (slowEdge * edge0 - past0 - tA);
      gA = fast * fA + (fastEdge * edge0 - fastPast * past0 - gA);
      const x1 = T1A[lead];
      const z1 = T1A[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const sum1 = tA + gA;
      inverse1 = sum1 < leastAlpha ? 0 : level / sum1;
      const v1 = (sum1 * alphaLevel + ROUNDING) | 0;
      O1A[to] = v1 >> 23;
      if ((v1 & BORDER) === 0) doubts[count++] = to + toRow;
      sA = slow * tA + (slowEdge * edge1 - past1 - sA);
      fA = fast * gA + (fastEdge * edge1 - fastPast * past1 - fA);
      aA = x1;
      bA = z1;
    }
    const doubt0 = (inverse0 * colourDoubt + 1) | 0;
    const doubt1 = (inverse1 * colourDoubt + 1) | 0;
    {
      const x0 = T0R[lead];
      const z0 = T0R[trail];
      const edge0 = x0 + bR;
      const past0 = aR + z0;
      const v0 = ((sR + fR) * inverse0 + HALF) | 0;
      O0R[to] = v0 >> 23;
      if (((v0 + doubt0) & FRACTION) < 2 * doubt0) doubts[count++] = to;
      tR = slow * sR + (slowEdge * edge0 - past0 - tR);
      gR = fast * fR + (fastEdge * edge0 - fastPast * past0 - gR);
      const x1 = T1R[lead];
      const z1 = T1R[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = ((tR + gR) * inverse1 + HALF) | 0;
      O1R[to] = v1 >> 23;
      if (((v1 + doubt1) & FRACTION) < 2 * doubt1) doubts[count++] = to + toRow;
      sR = slow * tR + (slowEdge * edge1 - past1 - sR);
      fR = fast * gR + (fastEdge * edge1 - fastPast * past1 - fR);
      aR = x1;
      bR = z1;
    }
    {
      const x0 = T0G[lead];
      const z0 = T0G[trail];
      const edge0 = x0 + bG;
      const past0 = aG + z0;
      const v0 = ((sG + fG) * inverse0 + HALF) | 0;
      O0G[to] = v0 >> 23;
      if (((v0 + doubt0) & FRACTION) < 2 * doubt0) doubts[count++] = to;
      tG = slow * sG + (slowEdge * edge0 - past0 - tG);
      gG = fast * fG + (fastEdge * edge0 - fastPast * past0 - gG);
      const x1 = T1G[lead];
      const z1 = T1G[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = ((tG + gG) * inverse1 + HALF) | 0;
      O1G[to] = v1 >> 23;
      if (((v1 + doubt1) & FRACTION) < 2 * doubt1) doubts[count++] = to + toRow;
      sG = slow * tG + (slowEdge * edge1 - past1 - sG);
      fG = fast * gG + (fastEdge * edge1 - fastPast * past1 - fG);
      aG = x1;
      bG = z1;
    }
    {
      const x0 = T0B[lead];
      const z0 = T0B[trail];
      const edge0 = x0 + bB;
      const past0 = aB + z0;
      const v0 = ((sB + fB) * inverse0 + HALF) | 0;
      O0B[to] = v0 >> 23;
      if (((v0 + doubt0) & FRACTION) < 2 * doubt0) doubts[count++] = to;
      tB = slow * sB + (slowEdge * edge0 - past0 - tB);
      gB = fast * fB + (fastEdge * edge0 - fastPast * past0 - gB);
      const x1 = T1B[lead];
      const z1 = T1B[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = ((tB + gB) * inverse1 + HALF) | 0;
      O1B[to] = v1 >> 23;
      if (((v1 + doubt1) & FRACTION) < 2 * doubt1) doubts[count++] = to + toRow;
      sB = slow * tB + (slowEdge * edge1 - past1 - sB);
      fB = fast * gB + (fastEdge * edge1 - fastPast * past1 - fB);
      aB = x1;
      bB = z1;
    }
    lead = (lead + 2 * fromRow) | 0;
    trail = (trail + 2 * fromRow) | 0;
  }
  return count;
}
