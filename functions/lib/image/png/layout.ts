// The size of a PNG and how its pixels are stored: the content of IHDR.
import { refusePng } from './refuse.ts';
import { viewOf } from './words.ts';

export const colorTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface PngLayout {
  /** Pixels as stored, before turning by eXIf. */
  width: number;
  height: number;
  /** One of {@link colorTypes}. */
  colorType: number;
  /** Bits per sample, or bits per index in a palette image. */
  bitDepth: number;
  samplesAPixel: number;
  isInterlaced: boolean;
}

/** Samples per pixel and the bit depths allowed, by colour type (PNG specification, table 11.1). */
const kinds = new Map<number, { samplesAPixel: number; bitDepths: number[] }>([
  [colorTypes.grey, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8, 16] }],
  [colorTypes.rgb, { samplesAPixel: 3, bitDepths: [8, 16] }],
  [colorTypes.palette, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8] }],
  [colorTypes.greyAlpha, { samplesAPixel: 2, bitDepths: [8, 16] }],
  [colorTypes.rgba, { samplesAPixel: 4, bitDepths: [8, 16] }],
]);

/** Reads the content of IHDR. Throws `invalid-image`. */
export function parseLayout(content: Uint8Array): PngLayout {
  if (content.length !== 13) refusePng(`has a header of ${content.length} bytes, not 13`);
  const view = viewOf(content);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [bitDepth, colorType, compression, filter, interlace] = content.subarray(8);
  const largest = 2 ** 31 - 1;
  if (width < 1 || height < 1 || width > largest || height > largest)
    refusePng(`claims ${width}x${height} pixels`);
  const kind = kinds.get(colorType);
  if (!kind?.bitDepths.includes(bitDepth))
    refusePng(`claims colour type ${colorType} with bit depth ${bitDepth}`);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    refusePng(`claims compression ${compression}, filter method ${filter}, interlace method ${interlace}`);
  }
  const { samplesAPixel } = kind;
  return { width, height, colorType, bitDepth, samplesAPixel, isInterlaced: interlace === 1 };
}

export function hasAlphaSamples({ colorType }: PngLayout): boolean {
  return colorType === colorTypes.greyAlpha || colorType === colorTypes.rgba;
}

export function isGrey({ colorType }: PngLayout): boolean {
  return colorType === colorTypes.grey || colorType === colorTypes.greyAlpha;
}

/** Returns the bytes of a row of `width` pixels before it is filtered. */
export function rowLength({ samplesAPixel, bitDepth }: PngLayout, width: number): number {
  return Math.ceil((width * samplesAPixel * bitDepth) / 8);
}
