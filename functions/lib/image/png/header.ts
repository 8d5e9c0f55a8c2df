// What a PNG says of itself before its pixels: the first step of every decode, and the only one when it is refused.
import { Problem } from '../../errors.ts';
import type { Channels } from '../pixels.ts';
import { type Chunk, checkCrc, chunkTypes, nameOf, readChunks } from './chunks.ts';

export const colorTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface PngHeader {
  width: number;
  height: number;
  /** One of {@link colorTypes}. */
  colorType: number;
  /** Bits a sample, or bits an index in a palette image. */
  bitDepth: number;
  samplesAPixel: number;
  isInterlaced: boolean;
  /** The colours of a palette image, 3 bytes each. */
  palette?: Uint8Array;
  /** Content of tRNS: the alphas of the palette's first colours, or the one transparent colour in 16-bit samples. */
  transparency?: Uint8Array;
}

/** Samples a pixel and the bit depths allowed, by colour type (PNG specification, table 11.1). */
const layouts = new Map<number, { samplesAPixel: number; bitDepths: number[] }>([
  [colorTypes.grey, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8, 16] }],
  [colorTypes.rgb, { samplesAPixel: 3, bitDepths: [8, 16] }],
  [colorTypes.palette, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8] }],
  [colorTypes.greyAlpha, { samplesAPixel: 2, bitDepths: [8, 16] }],
  [colorTypes.rgba, { samplesAPixel: 4, bitDepths: [8, 16] }],
]);

/**
 * Reads the header and walks over all chunks, so that a file that is cut off or out of order is refused before any
 * work. Image data is not read and its CRCs are left to the decode. Throws `invalid-image`.
 */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  let header: PngHeader | undefined;
  let imageData: 'ahead' | 'here' | 'past' = 'ahead';
  for (const chunk of readChunks(bytes)) {
    if (header === undefined) {
      header = parseHeader(bytes, chunk);
      continue;
    }
    if (chunk.type === chunkTypes.IDAT) {
      if (imageData === 'past') refuse('has other chunks amid its image data');
      imageData = 'here';
      continue;
    }
    if (imageData === 'here') imageData = 'past';
    if (chunk.type === chunkTypes.PLTE) header.palette = contentOf(bytes, chunk);
    else if (chunk.type === chunkTypes.tRNS) header.transparency = contentOf(bytes, chunk);
    else if (chunk.type === chunkTypes.IEND) contentOf(bytes, chunk);
    else if (isCritical(chunk)) refuse(`has a ${nameOf(chunk.type)} chunk, which is not understood here`);
  }
  if (header === undefined || imageData === 'ahead') refuse('has no image data');
  checkColors(header);
  return header;
}

/** Bytes a pixel the decoded rows need: 3 unless the image can be transparent somewhere. */
export function channelsOfPng(header: PngHeader): Channels {
  return hasAlphaSamples(header.colorType) || header.transparency !== undefined ? 4 : 3;
}

export function hasAlphaSamples(colorType: number): boolean {
  return colorType === colorTypes.greyAlpha || colorType === colorTypes.rgba;
}

/** Bytes of a row of `width` pixels before it is filtered. */
export function rowLength(header: PngHeader, width = header.width): number {
  return Math.ceil((width * header.samplesAPixel * header.bitDepth) / 8);
}

/** Bytes the image data must inflate to: every row with its filter byte, in all seven passes when interlaced. */
export function filteredLength(header: PngHeader): number {
  if (!header.isInterlaced) return (1 + rowLength(header)) * header.height;
  let length = 0;
  for (const { x, y, dx, dy } of adam7) {
    const width = Math.ceil((header.width - x) / dx);
    const height = Math.ceil((header.height - y) / dy);
    if (width > 0 && height > 0) length += (1 + rowLength(header, width)) * height;
  }
  return length;
}

/** First pixel and steps of the seven passes of an interlaced image (PNG specification, section 8.2). */
const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

function parseHeader(bytes: Uint8Array, chunk: Chunk): PngHeader {
  if (chunk.type !== chunkTypes.IHDR) refuse(`starts with ${nameOf(chunk.type)}, not IHDR`);
  const content = contentOf(bytes, chunk);
  if (content.length !== 13) refuse(`has a header of ${content.length} bytes, not 13`);
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [bitDepth, colorType, compression, filter, interlace] = content.subarray(8);
  const largest = 2 ** 31 - 1;
  if (width < 1 || height < 1 || width > largest || height > largest)
    refuse(`claims ${width}x${height} pixels`);
  const layout = layouts.get(colorType);
  if (!layout?.bitDepths.includes(bitDepth))
    refuse(`claims colour type ${colorType} with bit depth ${bitDepth}`);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    refuse(`claims compression ${compression}, filter method ${filter}, interlace method ${interlace}`);
  }
  const { samplesAPixel } = layout;
  return { width, height, colorType, bitDepth, samplesAPixel, isInterlaced: interlace === 1 };
}

/** Palette and transparency must be there, and be as long as the colour type asks (sections 11.2.2 and 11.3.1.1). */
function checkColors({ colorType, bitDepth, samplesAPixel, palette, transparency }: PngHeader): void {
  if (colorType !== colorTypes.palette) {
    if (transparency === undefined) return;
    if (hasAlphaSamples(colorType)) refuse('has a transparent colour beside its alphas');
    if (transparency.length === samplesAPixel * 2) return;
    refuse(`has a transparent colour of ${transparency.length} bytes, not ${samplesAPixel * 2}`);
  }
  if (palette === undefined) refuse('has no palette');
  const colors = palette.length / 3;
  if (!Number.isInteger(colors) || colors < 1 || colors > 2 ** bitDepth) {
    refuse(`has a palette of ${palette.length} bytes for ${bitDepth} bits`);
  }
  if (transparency !== undefined && transparency.length > colors) refuse('has more alphas than colours');
}

/** The data of a chunk that must be intact: all critical ones, and tRNS, which changes pixels. */
function contentOf(bytes: Uint8Array, chunk: Chunk): Uint8Array {
  checkCrc(bytes, chunk);
  return bytes.subarray(chunk.start, chunk.end);
}

/** A decoder must understand chunks whose name starts with a capital letter (section 5.4). */
function isCritical(chunk: Chunk): boolean {
  return ((chunk.type >>> 29) & 1) === 0;
}

function refuse(what: string): never {
  throw new Problem('invalid-image', `The PNG ${what}`);
}
