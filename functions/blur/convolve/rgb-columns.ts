// The vertical pass where every pixel is opaque: rows of 64-bit floats in, blurred bytes out. The recursion is the
// horizontal pass's, walked down one column of pixels at a time so that its state stays in registers.
import type { CosineKernel } from './kernel.ts';
import { doubtfulPixels, result, RESULT_ROW, RGB_ROW, rows, viewsOn } from './scratch.ts';
import { LEVEL } from './rounding.ts';

// Views four rows apart: T2G is the green sample two rows on, O2G where its result goes.
const [T0R, T0G, T0B, T1R, T1G, T1B, T2R, T2G, T2B, T3R, T3G, T3B] = viewsOn(
  rows,
  Float64Array,
  4,
  RGB_ROW,
  3,
);
const [O0R, O0G, O0B, O1R, O1G, O1B, O2R, O2G, O2B, O3R, O3G, O3B] = viewsOn(
  result,
  Int8Array,
  4,
  RESULT_ROW,
  3,
);

const SLOW_WEIGHTS = new Float64Array(128);
const FAST_WEIGHTS = new Float64Array(128);
const SLOW_SLOPES = new Float64Array(128);
const FAST_SLOPES = new Float64Array(128);
/** y(0) and y(−1) of the slow cosine and of the fast one. */
const FIRST = new Float64Array(4);
/** Both cosines' steps, w(r) of the slow and of the fast one, w(r + 1) of the fast one; the slow one's is 1. */
const CONSTANTS = new Float64Array(5);
/** The fraction but for its lowest bit: all 0 at the border between two bytes, see BIAS. */
const FRACTION = LEVEL - 2;
// Constants of this module are compiled in, imported ones are not.
const doubts = doubtfulPixels;
const fromRow = RGB_ROW;
const toRow = RESULT_ROW;

/** Makes the pass ready for a kernel. It wants samples scaled by the factor answered, and turns them into 1. */
export function prepareRgbColumns({ slow, fast }: CosineKernel): number {
  const scale = slow.past;
  SLOW_WEIGHTS.set(slow.weights.map((weight) => weight / scale));
  FAST_WEIGHTS.set(fast.weights.map((weight) => weight / scale));
  SLOW_SLOPES.set(slow.slopes.map((slope) => slope / scale));
  FAST_SLOPES.set(fast.slopes.map((slope) => slope / scale));
  CONSTANTS.set([slow.step, fast.step, slow.edge / scale, fast.edge / scale, fast.past / scale]);
  return scale;
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
 * `doubtfulPixels`. Up to three rows more are written after the last, and may stand there; `result` has room for them.
 * `pixelBytes` is 3, or 4 to leave room for an alpha that is there already.
 */
export function slideRgbColumn(x: number, height: number, radius: number, pixelBytes: number): number {
  const slow = CONSTANTS[0];
  const fast = CONSTANTS[1];
  const slowEdge = CONSTANTS[2];
  const fastEdge = CONSTANTS[3];
  const fastPast = CONSTANTS[4];
  sumFirst(x * 3, radius);
  let sR = FIRST[0];
  let tR = FIRST[1];
  let fR = FIRST[2];
  let gR = FIRST[3];
  sumFirst(x * 3 + 1, radius);
  let sG = FIRST[0];
  let tG = FIRST[1];
  let fG = FIRST[2];
  let gG = FIRST[3];
  sumFirst(x * 3 + 2, radius);
  let sB = FIRST[0];
  let tB = FIRST[1];
  let fB = FIRST[2];
  let gB = FIRST[3];
  let lead = (x * 3 + 2 * radius * fromRow) | 0;
  let aR = T0R[lead];
  let aG = T0G[lead];
  let aB = T0B[lead];
  let bR = 0;
  let bG = 0;
  let bB = 0;
  lead = (lead + fromRow) | 0;
  let trail = (x * 3) | 0;

  let count = 0;
  let to = (x * pixelBytes) | 0;
  const end = (to + height * toRow) | 0;
  for (; to < end; to = (to + 4 * toRow) | 0) {
    {
      const x0 = T0R[lead];
      const z0 = T0R[trail];
      const edge0 = x0 + bR;
      const past0 = aR + z0;
      const v0 = (sR + fR) | 0;
      O0R[to] = v0 >> 23;
      if ((v0 & FRACTION) === 0) doubts[count++] = to;
      tR = slow * sR + (slowEdge * edge0 - past0 - tR);
      gR = fast * fR + (fastEdge * edge0 - fastPast * past0 - gR);
      const x1 = T1R[lead];
      const z1 = T1R[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = (tR + gR) | 0;
      O1R[to] = v1 >> 23;
      if ((v1 & FRACTION) === 0) doubts[count++] = to + 1 * toRow;
      sR = slow * tR + (slowEdge * edge1 - past1 - sR);
      fR = fast * gR + (fastEdge * edge1 - fastPast * past1 - fR);
      const x2 = T2R[lead];
      const z2 = T2R[trail];
      const edge2 = x2 + z1;
      const past2 = x1 + z2;
      const v2 = (sR + fR) | 0;
      O2R[to] = v2 >> 23;
      if ((v2 & FRACTION) === 0) doubts[count++] = to + 2 * toRow;
      tR = slow * sR + (slowEdge * edge2 - past2 - tR);
      gR = fast * fR + (fastEdge * edge2 - fastPast * past2 - gR);
      const x3 = T3R[lead];
      const z3 = T3R[trail];
      const edge3 = x3 + z2;
      const past3 = x2 + z3;
      const v3 = (tR + gR) | 0;
      O3R[to] = v3 >> 23;
      if ((v3 & FRACTION) === 0) doubts[count++] = to + 3 * toRow;
      sR = slow * tR + (slowEdge * edge3 - past3 - sR);
      fR = fast * gR + (fastEdge * edge3 - fastPast * past3 - fR);
      aR = x3;
      bR = z3;
    }
    {
      const x0 = T0G[lead];
      const z0 = T0G[trail];
      const edge0 = x0 + bG;
      const past0 = aG + z0;
      const v0 = (sG + fG) | 0;
      O0G[to] = v0 >> 23;
      if ((v0 & FRACTION) === 0) doubts[count++] = to;
      tG = slow * sG + (slowEdge * edge0 - past0 - tG);
      gG = fast * fG + (fastEdge * edge0 - fastPast * past0 - gG);
      const x1 = T1G[lead];
      const z1 = T1G[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = (tG + gG) | 0;
      O1G[to] = v1 >> 23;
      if ((v1 & FRACTION) === 0) doubts[count++] = to + 1 * toRow;
      sG = slow * tG + (slowEdge * edge1 - past1 - sG);
      fG = fast * gG + (fastEdge * edge1 - fastPast * past1 - fG);
      const x2 = T2G[lead];
      const z2 = T2G[trail];
      const edge2 = x2 + z1;
      const past2 = x1 + z2;
      const v2 = (sG + fG) | 0;
      O2G[to] = v2 >> 23;
      if ((v2 & FRACTION) === 0) doubts[count++] = to + 2 * toRow;
      tG = slow * sG + (slowEdge * edge2 - past2 - tG);
      gG = fast * fG + (fastEdge * edge2 - fastPast * past2 - gG);
      const x3 = T3G[lead];
      const z3 = T3G[trail];
      const edge3 = x3 + z2;
      const past3 = x2 + z3;
      const v3 = (tG + gG) | 0;
      O3G[to] = v3 >> 23;
      if ((v3 & FRACTION) === 0) doubts[count++] = to + 3 * toRow;
      sG = slow * tG + (slowEdge * edge3 - past3 - sG);
      fG = fast * gG + (fastEdge * edge3 - fastPast * past3 - fG);
      aG = x3;
      bG = z3;
    }
    {
      const x0 = T0B[lead];
      const z0 = T0B[trail];
      const edge0 = x0 + bB;
      const past0 = aB + z0;
      const v0 = (sB + fB) | 0;
      O0B[to] = v0 >> 23;
      if ((v0 & FRACTION) === 0) doubts[count++] = to;
      tB = slow * sB + (slowEdge * edge0 - past0 - tB);
      gB = fast * fB + (fastEdge * edge0 - fastPast * past0 - gB);
      const x1 = T1B[lead];
      const z1 = T1B[trail];
      const edge1 = x1 + z0;
      const past1 = x0 + z1;
      const v1 = (tB + gB) | 0;
      O1B[to] = v1 >> 23;
      if ((v1 & FRACTION) === 0) doubts[count++] = to + 1 * toRow;
      sB = slow * tB + (slowEdge * edge1 - past1 - sB);
      fB = fast * gB + (fastEdge * edge1 - fastPast * past1 - fB);
      const x2 = T2B[lead];
      const z2 = T2B[trail];
      const edge2 = x2 + z1;
      const past2 = x1 + z2;
      const v2 = (sB + fB) | 0;
      O2B[to] = v2 >> 23;
      if ((v2 & FRACTION) === 0) doubts[count++] = to + 2 * toRow;
      tB = slow * sB + (slowEdge * edge2 - past2 - tB);
      gB = fast * fB + (fastEdge * edge2 - fastPast * past2 - gB);
      const x3 = T3B[lead];
      const z3 = T3B[trail];
      const edge3 = x3 + z2;
      const past3 = x2 + z3;
      const v3 = (tB + gB) | 0;
      O3B[to] = v3 >> 23;
      if ((v3 & FRACTION) === 0) doubts[count++] = to + 3 * toRow;
      sB = slow * tB + (slowEdge * edge3 - past3 - sB);
      fB = fast * gB + (fastEdge * edge3 - fastPast * past3 - fB);
      aB = x3;
      bB = z3;
    }
    lead = (lead + 4 * fromRow) | 0;
    trail = (trail + 4 * fromRow) | 0;
  }
  return count;
}
