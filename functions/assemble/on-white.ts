// Puts transparent pixels on white, for a format that has no transparency.
import { channelsOf, type Bitmap } from '../lib/image/pixels.ts';

/** Yields bands as RGB. */
export async function* allOnWhite(bands: AsyncIterable<Bitmap>): AsyncGenerator<Bitmap> {
  for await (const band of bands) yield onWhite(band);
}

/** Returns the rows as RGB. Rows that are RGB already are returned as they are. */
export function onWhite(band: Bitmap): Bitmap {
  if (channelsOf(band) === 3) return band;
  const rgba = band.data;
  const data = Buffer.allocUnsafe((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    const white = 255 * (255 - alpha);
    data[to] = Math.round((rgba[from] * alpha + white) / 255);
    data[to + 1] = Math.round((rgba[from + 1] * alpha + white) / 255);
    data[to + 2] = Math.round((rgba[from + 2] * alpha + white) / 255);
  }
  return { data, width: band.width, height: band.height };
}
