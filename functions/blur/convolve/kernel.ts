// The kernel: a Gaussian with sigma = size / 3, cut off at its size and normalised, and the sum of two cosines that
// replaces it where it slides along a line.
import { isKernelSize } from '../../lib/kernel-size.ts';

/** Throws a RangeError naming `kernelSize` unless it is an odd integer from 1 to 255. */
export function assertKernelSize(kernelSize: number): void {
  if (!isKernelSize(kernelSize)) {
    throw new RangeError(`kernel size ${kernelSize} is not an odd integer from 1 to 255`);
  }
}

/** Returns the `kernelSize` weights of the Gaussian from one edge to the other. They add up to 1. */
export function gaussianWeights(kernelSize: number): Float64Array {
  assertKernelSize(kernelSize);
  const radius = (kernelSize - 1) / 2;
  const sigma = kernelSize / 3;
  const weights = Float64Array.from({ length: kernelSize }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  return scaledToOne(weights);
}

/** One cosine of a kernel of radius r: w(m) = a·cos(ω·m), |m| <= r. */
export interface Cosine {
  /** 2·cos(ω): w(m + 1) = step·w(m) − w(m − 1). */
  step: number;
  /** w(0) … w(r), by distance from the middle. */
  weights: Float64Array;
  /** a·sin(ω·m)·sin(ω) for m = 0 … r: w(m + 1) = step / 2·w(m) − slopes(m), with the sign of m before the slope. */
  slopes: Float64Array;
  /** w(r), the weight of the outermost sample. */
  edge: number;
  /** w(r + 1), the weight of a sample one place further out. */
  past: number;
}

/** The Gaussian as the sum of two cosines, for sizes of 3 and more. */
export interface CosineKernel {
  size: number;
  /** The sum of the two cosines, which approximates {@link gaussianWeights}. These weights add up to 1 too. */
  weights: Float64Array;
  slow: Cosine;
  fast: Cosine;
}

/** ω · size / 3 of the two cosines, found by a search for the smallest relative error. Small sizes have their own. */
const FREQUENCIES = { slow: 0.685, fast: 2.15 } as const;
const SMALL_FREQUENCIES = { slow: 0.7, fast: 2.2 } as const;
const LARGEST_SMALL = 11;

/**
 * Between ±1.5 sigma the sum of two cosines is so close to the Gaussian that no weight differs by more than 0.03 % of
 * itself. This bounds the error of a blurred sample for every image. Both passes together stay below 0.03 grey levels
 * where the image is opaque. They stay below 0.06 where only few pixels have any alpha, because the relative error of
 * the weights counts there. The two amplitudes are the least-squares fit of the relative error.
 */
export function fitCosines(kernelSize: number): CosineKernel {
  const gaussian = gaussianWeights(kernelSize);
  const radius = (kernelSize - 1) / 2;
  const frequencies = kernelSize <= LARGEST_SMALL ? SMALL_FREQUENCIES : FREQUENCIES;
  const omega = { slow: (frequencies.slow * 3) / kernelSize, fast: (frequencies.fast * 3) / kernelSize };

  // Normal equations of a·cos(ω_slow·m) / g(m) + b·cos(ω_fast·m) / g(m) = 1.
  let ss = 0;
  let sf = 0;
  let ff = 0;
  let s1 = 0;
  let f1 = 0;
  gaussian.forEach((weight, i) => {
    const s = Math.cos(omega.slow * (i - radius)) / weight;
    const f = Math.cos(omega.fast * (i - radius)) / weight;
    ss += s * s;
    sf += s * f;
    ff += f * f;
    s1 += s;
    f1 += f;
  });
  const determinant = ss * ff - sf * sf;
  const a = (s1 * ff - f1 * sf) / determinant;
  const b = (f1 * ss - s1 * sf) / determinant;
  const sum = gaussian.reduce(
    (total, _, i) =>
      total + a * Math.cos(omega.slow * (i - radius)) + b * Math.cos(omega.fast * (i - radius)),
    0,
  );

  const slow = cosine(a / sum, omega.slow, radius);
  const fast = cosine(b / sum, omega.fast, radius);
  const weights = gaussian.map((_, i) => {
    const distance = Math.abs(i - radius);
    return slow.weights[distance] + fast.weights[distance];
  });
  return { size: kernelSize, weights, slow, fast };
}

function cosine(amplitude: number, omega: number, radius: number): Cosine {
  const weightAt = (m: number): number => amplitude * Math.cos(omega * m);
  const slopeAt = (m: number): number => amplitude * Math.sin(omega * m) * Math.sin(omega);
  return {
    step: 2 * Math.cos(omega),
    weights: Float64Array.from({ length: radius + 1 }, (_, m) => weightAt(m)),
    slopes: Float64Array.from({ length: radius + 1 }, (_, m) => slopeAt(m)),
    edge: weightAt(radius),
    past: weightAt(radius + 1),
  };
}

/** Returns the sum of all weights of a cosine, on both sides of the middle. */
export function sumOf({ weights }: Cosine): number {
  return weights.reduce((total, weight) => total + 2 * weight, -weights[0]);
}

function scaledToOne(weights: Float64Array): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
