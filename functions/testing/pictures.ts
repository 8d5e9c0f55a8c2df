// Draws small pictures for tests, writes them as files, and reads files with an independent decoder.
import sharp from 'sharp';
import type { Bitmap } from '../lib/image/pixels.ts';

export type Kind = 'opaque' | 'soft-alpha' | 'hard-alpha';

/** Returns a picture with edges, gradients and noise; the same for the same arguments. */
export function picture(width: number, height: number, kind: Kind = 'opaque', seed = 1): Bitmap {
  const data = new Uint8Array(width * height * 4);
  let state = seed;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const edge = (x >> 4) % 2 === (y >> 4) % 2 ? 200 : 30;
      const alpha = {
        opaque: 255,
        'soft-alpha': (x * 3 + y * 5) & 255,
        'hard-alpha': noise() > 127 ? 255 : 0,
      }[kind];
      data.set(
        [(edge + (noise() >> 3)) & 255, (x * 255) / width, (y * 255) / height, alpha],
        (y * width + x) * 4,
      );
    }
  }
  return { data, width, height };
}

/** Returns the picture as a PNG file; without alpha if it is opaque and `channels` is 3. */
export async function toPng(
  { data, width, height }: Bitmap,
  channels: 3 | 4 = 4,
): Promise<Buffer<ArrayBuffer>> {
  const image = sharp(data, { raw: { width, height, channels: 4 } });
  const png = await (channels === 3 ? image.removeAlpha() : image).png().toBuffer();
  return Buffer.from(png);
}

/** Returns the RGBA pixels of an image file, decoded by libvips. */
export async function toPixels(file: Uint8Array): Promise<Bitmap> {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}
