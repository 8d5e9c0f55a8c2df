// Why tiling does not show. The sliding sums depend, far behind the point, on where they were started, and so on how the
// image was cut. A sum that lies within that error of the border between two bytes could be rounded either way. Such
// a pixel is in doubt, and is computed anew by exact.ts, from its window alone and always in the same order.
// A pixel not in doubt has the byte that the true value rounds to, whatever the tile. A pixel in doubt here and not in
// doubt in another tile has the same byte too, for then the true value is on the other tile's side of the border, by
// more than the exact computation errs. An opaque window gives the same true value with and without alpha.
//
// The error of a sum. Each pass starts from sums computed outright and takes at most 256 steps. A step rounds by less
// than 1.5e-13 grey levels, and what it leaves swings with at most 1 / sin(ω) <= 124 times its size: less than 5e-9
// after 256 steps of the slow cosine, and less than half as much more for the fast one and for the rounding of the
// coefficients. Two passes err by less than 1.5e-8.

/**
 * More than a blurred sample ever errs for the way the image was cut, in grey levels. Sums of colours multiplied by
 * their alpha are up to 255 times as large, and so is their error.
 */
export const SUM_ERROR = 2e-8;

/** A grey level in the whole numbers that are rounded: 23 bits of fraction, and 255 levels still fit 31 bits. */
export const LEVEL = 2 ** 23;

/**
 * What is added to a value, in levels, before it is cut to a whole number: half a level, to round it, and one part in
 * LEVEL, so that one comparison sees both sides of the border between two bytes.
 */
export const BIAS = 0.5 + 1 / LEVEL;
