// The blur by its definition, in 64-bit floats and without approximation. Tests and benchmarks compare with it.
import { channelsOf, type Bitmap } from '../lib/image/pixels.ts';
import { gaussianWeights } from '../blur/convolve/kernel.ts';

/**
 * Returns the Gaussian blur of a whole bitmap: the weighted sum over the window of each pixel, first along rows and then
 * along columns. Beyond the border the outermost pixels are repeated. Colours are weighted by their alpha too. Where the
 * alpha of a window is 0, the pixel is 0, 0, 0, 0. Samples are rounded to nearest. The result has as many bytes per
 * pixel as `source`.
 */
export function blurByDefinition(source: Bitmap, kernelSize: number): Bitmap {
  const channels = channelsOf(source);
  const { width, height, data } = source;
  const weights = gaussianWeights(kernelSize);

  const samples = new Float64Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const alpha = channels === 4 ? data[i * 4 + 3] : 255;
    for (let c = 0; c < 3; c++) samples[i * 4 + c] = data[i * channels + c] * alpha;
    samples[i * 4 + 3] = alpha;
  }
  const rows = weightedSums(samples, width, height, weights, (x, y) => y * width + x);
  const sums = weightedSums(rows, height, width, weights, (y, x) => y * width + x);

  const result = new Uint8Array(data.length);
  for (let i = 0; i < width * height; i++) {
    const alpha = sums[i * 4 + 3];
    for (let c = 0; c < 3; c++) {
      result[i * channels + c] = alpha === 0 ? 0 : Math.floor(sums[i * 4 + c] / alpha + 0.5);
    }
    if (channels === 4) result[i * 4 + 3] = Math.floor(alpha + 0.5);
  }
  return { data: result, width, height };
}

/** Sums along `lines` lines of `length` pixels with four samples each. `indexOf` returns the place of a pixel of a line. */
function weightedSums(
  samples: Float64Array,
  length: number,
  lines: number,
  weights: Float64Array,
  indexOf: (along: number, line: number) => number,
): Float64Array {
  const radius = (weights.length - 1) / 2;
  const sums = new Float64Array(samples.length);
  for (let line = 0; line < lines; line++) {
    for (let n = 0; n < length; n++) {
      const to = indexOf(n, line) * 4;
      for (let i = 0; i < weights.length; i++) {
        const from = indexOf(Math.min(Math.max(n + i - radius, 0), length - 1), line) * 4;
        for (let c = 0; c < 4; c++) sums[to + c] += weights[i] * samples[from + c];
      }
    }
  }
  return sums;
}
