// Why tiling never shows. The last digits of a sliding sum depend on where the sum was started, and so on how the image
// was cut into tiles. If a sum is closer to the border between two bytes than this error, it could be rounded either
// way. Such a pixel is in doubt. exact.ts computes it again, from its window alone and always in the same order.
//
// A pixel that is not in doubt gets the byte that the true value rounds to, in every tile. A pixel can be in doubt in one
// tile and not in another. It gets the same byte in both: the true value is then further from the border than the error
// of the exact computation. An opaque window has the same true value with and without alpha.
//
// The error of a sum. Each pass starts from exact sums and takes at most 256 steps. A step rounds by less than 1.5e-13
// grey levels, and this error grows by at most 1 / sin(ω) <= 124. That makes less than 5e-9 after 256 steps of the slow
// cosine. The fast cosine and the rounding of the coefficients add less than half of that. Two passes together are off
// by less than 1.5e-8.

/**
 * An upper bound, in grey levels, of how much a blurred sample can depend on how the image was cut. Sums of
 * premultiplied colours are up to 255 times as large, and so is their error.
 */
export const SUM_ERROR = 2e-8;

/** One grey level in the fixed-point numbers that are rounded: they have 23 bits of fraction, and 255 levels fit 31 bits. */
export const LEVEL = 2 ** 23;

/**
 * What is added to a value, in grey levels, before its fraction is cut off: half a level, which rounds it, and one part
 * in LEVEL, so that one comparison finds values on both sides of the border between two bytes.
 */
export const BIAS = 0.5 + 1 / LEVEL;
