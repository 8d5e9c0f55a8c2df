// The horizontal pass where every pixel is opaque: bytes of the RGB window in, rows of 64-bit floats out.
//
// A cosine can slide. With w(m) = a·cos(ω·m), the sums y(n) = Σ w(m)·x[n + m] over |m| <= r obey, since
// w(m + 1) = step·w(m) − w(m − 1),
//
//     y(n + 1) = step·y(n) − y(n − 1) + edge·(x[n+r+1] + x[n−r−1]) − past·(x[n+r] + x[n−r])
//
// with step = 2·cos(ω), edge = w(r), past = w(r + 1): whatever the kernel's size, a sample costs two sums of two bytes.
// The kernel is two such cosines. The products with edge and past come from tables of the 511 sums two bytes have.
//
// The recursion is not damped, but it only runs for BLOCK steps, and starts from exact sums. A rounding error of at
// most 1.5e-13 grey levels a step grows by at most 1 / sin(ω) <= 124: after 256 steps, 5e-9 grey levels.
import { sumOf, type CosineKernel } from './kernel.ts';
import { RGB_ROW, rgbWindow, rows, viewsOn } from './scratch.ts';

// S0 … S11 and T0 … T11 start one element after another, so that the twelve samples of four pixels share one index
// and one bounds check. Numbering: 3 × pixel + channel.
const [S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11] = viewsOn(rgbWindow, Uint8ClampedArray, 4, 3, 3);
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11] = viewsOn(rows, Float64Array, 4, 3, 3);

/** Weights and slopes of the first sums of a line. */
const SLOW_WEIGHTS = new Float64Array(128);
const FAST_WEIGHTS = new Float64Array(128);
const SLOW_SLOPES = new Float64Array(128);
const FAST_SLOPES = new Float64Array(128);
/** How many sums two bytes have. */
const SUMS = 511;
/** The products for every sum of two bytes; on one buffer, so that V8 looks once whether it is still there. */
const [SLOW_EDGE, SLOW_PAST, FAST_EDGE, FAST_PAST] = viewsOn(
  new ArrayBuffer(4 * SUMS * 8),
  Float64Array,
  4,
  SUMS,
  1,
);
/** y(0) and y(−1) of the slow cosine and of the fast one. */
const FIRST = new Float64Array(4);
/** Of the slow and the fast cosine: step, w(r + 1) and what the bias adds to a sum. */
const CONSTANTS = new Float64Array(6);

/**
 * Makes the pass ready for a kernel. What it writes is (Σ w·x + bias) × scale; the weights' sum being 1, the vertical
 * pass hands the bias on unchanged.
 */
export function prepareRgbRows({ slow, fast }: CosineKernel, scale: number, bias: number): void {
  SLOW_WEIGHTS.set(slow.weights.map((weight) => weight * scale));
  FAST_WEIGHTS.set(fast.weights.map((weight) => weight * scale));
  SLOW_SLOPES.set(slow.slopes.map((slope) => slope * scale));
  FAST_SLOPES.set(fast.slopes.map((slope) => slope * scale));
  for (let sum = 0; sum < SUMS; sum++) {
    SLOW_EDGE[sum] = slow.edge * scale * (sum + 2 * bias);
    SLOW_PAST[sum] = slow.past * scale * (sum + 2 * bias);
    FAST_EDGE[sum] = fast.edge * scale * (sum + 2 * bias);
    FAST_PAST[sum] = fast.past * scale * (sum + 2 * bias);
  }
  CONSTANTS.set([slow.step, slow.past * scale, sumOf(slow) * scale * bias]);
  CONSTANTS.set([fast.step, fast.past * scale, sumOf(fast) * scale * bias], 3);
}

/**
 * Slides along `height` lines of the RGB window, each `width + size − 1` pixels, and writes `width` pixels of each.
 * Up to three pixels more are written after the last; `rows` has room for them.
 */
export function slideRgbRows(width: number, height: number, size: number): void {
  for (let y = 0; y < height; y++) slideRow(y * (width + size - 1) * 3, y * RGB_ROW, width, (size - 1) / 2);
}

/** The first sums of a channel, from byte `first` of the window on, to FIRST. */
function sumFirst(first: number, radius: number): void {
  let low = (first + radius * 3) | 0;
  let high = low;
  let slow = SLOW_WEIGHTS[0] * S0[low];
  let fast = FAST_WEIGHTS[0] * S0[low];
  let slowRise = 0;
  let fastRise = 0;
  for (let m = 1; m <= radius; m++) {
    low = (low - 3) | 0;
    high = (high + 3) | 0;
    const before = S0[low];
    const after = S0[high];
    const sum = after + before;
    const rise = after - before;
    slow += SLOW_WEIGHTS[m] * sum;
    fast += FAST_WEIGHTS[m] * sum;
    slowRise += SLOW_SLOPES[m] * rise;
    fastRise += FAST_SLOPES[m] * rise;
  }
  FIRST[0] = slow + CONSTANTS[2];
  FIRST[1] = 0.5 * CONSTANTS[0] * slow - slowRise - CONSTANTS[1] * S0[high] + CONSTANTS[2];
  FIRST[2] = fast + CONSTANTS[5];
  FIRST[3] = 0.5 * CONSTANTS[3] * fast - fastRise - CONSTANTS[4] * S0[high] + CONSTANTS[5];
}

/** One line: from byte `first` of the window to index `to` of `rows`. */
function slideRow(first: number, to: number, width: number, radius: number): void {
  const slow = CONSTANTS[0];
  const fast = CONSTANTS[3];
  // Of each channel: the slow cosine's sum here (s) and one step before (t), and the fast one's (f and g).
  sumFirst(first, radius);
  let sR = FIRST[0];
  let tR = FIRST[1];
  let fR = FIRST[2];
  let gR = FIRST[3];
  sumFirst(first + 1, radius);
  let sG = FIRST[0];
  let tG = FIRST[1];
  let fG = FIRST[2];
  let gG = FIRST[3];
  sumFirst(first + 2, radius);
  let sB = FIRST[0];
  let tB = FIRST[1];
  let fB = FIRST[2];
  let gB = FIRST[3];
  // The last sample that came in (a) and went out (b). Before a line there is nothing, which with the bias is a byte of 0.
  let lead = (first + radius * 6) | 0;
  let aR = S0[lead];
  let aG = S1[lead];
  let aB = S2[lead];
  let bR = 0;
  let bG = 0;
  let bB = 0;
  lead = (lead + 3) | 0;
  let trail = first | 0;

  // Four pixels a turn: the roles of s and t, f and g swap at each, which spares moving them.
  const end = (to + width * 3) | 0;
  for (to = to | 0; to < end; to = (to + 12) | 0) {
    {
      const x0 = S0[lead];
      const z0 = S0[trail];
      T0[to] = sR + fR;
      tR = slow * sR + (SLOW_EDGE[x0 + bR] - SLOW_PAST[aR + z0] - tR);
      gR = fast * fR + (FAST_EDGE[x0 + bR] - FAST_PAST[aR + z0] - gR);
      const x1 = S3[lead];
      const z1 = S3[trail];
      T3[to] = tR + gR;
      sR = slow * tR + (SLOW_EDGE[x1 + z0] - SLOW_PAST[x0 + z1] - sR);
      fR = fast * gR + (FAST_EDGE[x1 + z0] - FAST_PAST[x0 + z1] - fR);
      const x2 = S6[lead];
      const z2 = S6[trail];
      T6[to] = sR + fR;
      tR = slow * sR + (SLOW_EDGE[x2 + z1] - SLOW_PAST[x1 + z2] - tR);
      gR = fast * fR + (FAST_EDGE[x2 + z1] - FAST_PAST[x1 + z2] - gR);
      const x3 = S9[lead];
      const z3 = S9[trail];
      T9[to] = tR + gR;
      sR = slow * tR + (SLOW_EDGE[x3 + z2] - SLOW_PAST[x2 + z3] - sR);
      fR = fast * gR + (FAST_EDGE[x3 + z2] - FAST_PAST[x2 + z3] - fR);
      aR = x3;
      bR = z3;
    }
    {
      const x0 = S1[lead];
      const z0 = S1[trail];
      T1[to] = sG + fG;
      tG = slow * sG + (SLOW_EDGE[x0 + bG] - SLOW_PAST[aG + z0] - tG);
      gG = fast * fG + (FAST_EDGE[x0 + bG] - FAST_PAST[aG + z0] - gG);
      const x1 = S4[lead];
      const z1 = S4[trail];
      T4[to] = tG + gG;
      sG = slow * tG + (SLOW_EDGE[x1 + z0] - SLOW_PAST[x0 + z1] - sG);
      fG = fast * gG + (FAST_EDGE[x1 + z0] - FAST_PAST[x0 + z1] - fG);
      const x2 = S7[lead];
      const z2 = S7[trail];
      T7[to] = sG + fG;
      tG = slow * sG + (SLOW_EDGE[x2 + z1] - SLOW_PAST[x1 + z2] - tG);
      gG = fast * fG + (FAST_EDGE[x2 + z1] - FAST_PAST[x1 + z2] - gG);
      const x3 = S10[lead];
      const z3 = S10[trail];
      T10[to] = tG + gG;
      sG = slow * tG + (SLOW_EDGE[x3 + z2] - SLOW_PAST[x2 + z3] - sG);
      fG = fast * gG + (FAST_EDGE[x3 + z2] - FAST_PAST[x2 + z3] - fG);
      aG = x3;
      bG = z3;
    }
    {
      const x0 = S2[lead];
      const z0 = S2[trail];
      T2[to] = sB + fB;
      tB = slow * sB + (SLOW_EDGE[x0 + bB] - SLOW_PAST[aB + z0] - tB);
      gB = fast * fB + (FAST_EDGE[x0 + bB] - FAST_PAST[aB + z0] - gB);
      const x1 = S5[lead];
      const z1 = S5[trail];
      T5[to] = tB + gB;
      sB = slow * tB + (SLOW_EDGE[x1 + z0] - SLOW_PAST[x0 + z1] - sB);
      fB = fast * gB + (FAST_EDGE[x1 + z0] - FAST_PAST[x0 + z1] - fB);
      const x2 = S8[lead];
      const z2 = S8[trail];
      T8[to] = sB + fB;
      tB = slow * sB + (SLOW_EDGE[x2 + z1] - SLOW_PAST[x1 + z2] - tB);
      gB = fast * fB + (FAST_EDGE[x2 + z1] - FAST_PAST[x1 + z2] - gB);
      const x3 = S11[lead];
      const z3 = S11[trail];
      T11[to] = tB + gB;
      sB = slow * tB + (SLOW_EDGE[x3 + z2] - SLOW_PAST[x2 + z3] - sB);
      fB = fast * gB + (FAST_EDGE[x3 + z2] - FAST_PAST[x2 + z3] - fB);
      aB = x3;
      bB = z3;
    }
    lead = (lead + 12) | 0;
    trail = (trail + 12) | 0;
  }
}
