// Sharpens by unsharp masking: what the blur takes away from a pixel is added to it.
import { channelsOf, type Bitmap, type Rect } from '../../lib/image/pixels.ts';
import { convolve } from '../convolve/convolve.ts';

/**
 * Returns the sharpened pixels of `core`: source + amount · (source − blurred), rounded to nearest and clamped to 0…255
 * (Gonzalez and Woods, Digital Image Processing, "Unsharp masking and highboost filtering"). `blurred` is what
 * {@link convolve} returns, so the source needs the same halo, and the same arguments are refused.
 *
 * Alpha stays as it is, and only colours are sharpened. They are compared with a blur that weights colours by alpha, so the
 * colour of a transparent pixel does not count. A pixel that is transparent itself becomes 0, 0, 0, 0.
 */
export function sharpen(source: Bitmap, kernelSize: number, amount: number, core: Rect): Bitmap {
  const channels = channelsOf(source);
  const target = convolve(source, kernelSize, core);
  const samples = new Uint8ClampedArray(target.data.buffer);
  const { data } = source;
  for (let y = 0; y < core.height; y++) {
    let from = ((core.y + y) * source.width + core.x) * channels;
    let to = y * core.width * channels;
    for (let x = 0; x < core.width; x++, from += channels, to += channels) {
      const alpha = channels === 4 ? data[from + 3] : 255;
      if (alpha === 0) {
        samples.fill(0, to, to + 4);
        continue;
      }
      for (let c = 0; c < 3; c++) {
        const sample = data[from + c];
        samples[to + c] = Math.floor(sample + amount * (sample - samples[to + c]) + 0.5);
      }
      if (channels === 4) samples[to + 3] = alpha;
    }
  }
  return target;
}
