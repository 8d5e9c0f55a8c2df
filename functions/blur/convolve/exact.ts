// Blurs one pixel directly from its window. This is slow, and used for the few pixels whose rounding is in doubt (see
// rounding.ts). The result depends on nothing but the window's pixels.
import { channelsOf, type Bitmap, type Channels } from '../../lib/image/pixels.ts';

/**
 * Blurs single pixels of `source`. Pixels of the same column share the sums of their rows, so a whole column of pixels
 * costs no more than a plain separable convolution.
 */
export class ExactBlur {
  readonly #source: Bitmap;
  readonly #channels: Channels;
  readonly #weights: Float64Array;
  /** Per row of the source: the premultiplied sums of red, green and blue and that of alpha, and of which column. */
  readonly #sums: Float64Array;
  readonly #columns: Int32Array;
  readonly #pixel = new Uint8Array(4);

  constructor(source: Bitmap, weights: Float64Array) {
    this.#source = source;
    this.#channels = channelsOf(source);
    this.#weights = weights;
    this.#sums = new Float64Array(source.height * 4);
    this.#columns = new Int32Array(source.height).fill(-1);
  }

  /** Returns red, green, blue and alpha of the blurred pixel at `x`, `y` of the source. The next call overwrites the array. */
  pixelAt(x: number, y: number): Uint8Array {
    const weights = this.#weights;
    const sums = this.#sums;
    const first = y - (weights.length - 1) / 2;
    let red = 0;
    let green = 0;
    let blue = 0;
    let alpha = 0;
    for (let i = 0; i < weights.length; i++) {
      const row = Math.min(Math.max(first + i, 0), this.#source.height - 1);
      if (this.#columns[row] !== x) this.#sumRow(x, row);
      red += weights[i] * sums[row * 4];
      green += weights[i] * sums[row * 4 + 1];
      blue += weights[i] * sums[row * 4 + 2];
      alpha += weights[i] * sums[row * 4 + 3];
    }
    const isEmpty = alpha === 0;
    this.#pixel[0] = isEmpty ? 0 : Math.floor(red / alpha + 0.5);
    this.#pixel[1] = isEmpty ? 0 : Math.floor(green / alpha + 0.5);
    this.#pixel[2] = isEmpty ? 0 : Math.floor(blue / alpha + 0.5);
    this.#pixel[3] = Math.floor(alpha + 0.5);
    return this.#pixel;
  }

  /** RGB pixels have an alpha of 255 here, so that RGB and RGBA are computed in the same steps. */
  #sumRow(x: number, row: number): void {
    const { data, width } = this.#source;
    const weights = this.#weights;
    const channels = this.#channels;
    const first = x - (weights.length - 1) / 2;
    let red = 0;
    let green = 0;
    let blue = 0;
    let alpha = 0;
    for (let i = 0; i < weights.length; i++) {
      const column = Math.min(Math.max(first + i, 0), width - 1);
      const at = (row * width + column) * channels;
      const weight = weights[i] * (channels === 4 ? data[at + 3] : 255);
      red += weight * data[at];
      green += weight * data[at + 1];
      blue += weight * data[at + 2];
      alpha += weight;
    }
    this.#sums.set([red, green, blue, alpha], row * 4);
    this.#columns[row] = x;
  }
}
