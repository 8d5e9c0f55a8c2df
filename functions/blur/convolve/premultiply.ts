// The first step where alpha counts: colours are multiplied by their alpha, so that the colour of a transparent pixel
// does not count.
import { rgbaLine, rgbaWindow, viewsOn } from './scratch.ts';

const pixels = new Int32Array(rgbaWindow);
const [R, G, B, A] = viewsOn(rgbaLine, Float64Array, 1, 4, 4);

/** Writes `length` pixels of the RGBA window, from pixel `first` on, to the line. */
export function premultiplyLine(first: number, length: number): void {
  let to = 0;
  const end = (first + length) | 0;
  for (let i = first | 0; i < end; i = (i + 1) | 0) {
    // Red is the lowest byte of the word, alpha its highest.
    const pixel = pixels[i];
    const alpha = pixel >>> 24;
    // Both products fit 16 bits, so one multiplication makes the two.
    const redAndBlue = Math.imul(pixel & 0xff00ff, alpha);
    R[to] = redAndBlue & 0xffff;
    G[to] = Math.imul((pixel >>> 8) & 0xff, alpha);
    B[to] = redAndBlue >>> 16;
    A[to] = alpha;
    to = (to + 4) | 0;
  }
}
