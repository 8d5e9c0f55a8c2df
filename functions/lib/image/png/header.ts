// What a PNG says of itself before its pixels: the first step of every decode, and the only one when it is refused. It
// takes and refuses what libpng takes and refuses; testing/odd-pngs.ts lists it case by case.
import { Problem } from '../../errors.ts';
import { readExif } from '../exif.ts';
import type { Channels } from '../pixels.ts';
import { type Chunk, chunkTypes, isIntact, isWhole, nameOf, readChunks } from './chunks.ts';

export const colorTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface PngHeader {
  /** Pixels as stored, before turning by `exif`. */
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
  /** Content of eXIf. */
  exif?: Uint8Array;
  /** Where the first IDAT chunk is in the file. */
  imageDataAt: number;
}

type SizeAndLayout = Omit<PngHeader, 'palette' | 'transparency' | 'exif' | 'imageDataAt'>;

/** Samples a pixel and the bit depths allowed, by colour type (PNG specification, table 11.1). */
const layouts = new Map<number, { samplesAPixel: number; bitDepths: number[] }>([
  [colorTypes.grey, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8, 16] }],
  [colorTypes.rgb, { samplesAPixel: 3, bitDepths: [8, 16] }],
  [colorTypes.palette, { samplesAPixel: 1, bitDepths: [1, 2, 4, 8] }],
  [colorTypes.greyAlpha, { samplesAPixel: 2, bitDepths: [8, 16] }],
  [colorTypes.rgba, { samplesAPixel: 4, bitDepths: [8, 16] }],
]);

/** Files have a few chunks before their pixels; a file of nothing else would keep this thread busy. */
const maxChunks = 10_000;

/**
 * Reads everything before the image data. What comes later changes no pixel, and whether the data is complete shows when it
 * is decoded. Throws `invalid-image`.
 */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  let header: SizeAndLayout | undefined;
  const found: Pick<PngHeader, 'palette' | 'transparency' | 'exif'> = {};
  let chunks = 0;
  for (const chunk of readChunks(bytes)) {
    if (header === undefined) {
      header = parseHeader(bytes, chunk);
      continue;
    }
    if (chunk.type === chunkTypes.IDAT) {
      if (header.colorType === colorTypes.palette && found.palette === undefined) refuse('has no palette');
      return { ...header, ...found, imageDataAt: chunk.at };
    }
    if (!isWhole(bytes, chunk)) break;
    if (chunk.type === chunkTypes.IHDR) refuse('has two headers');
    if (chunk.type === chunkTypes.IEND) refuse('has no image data');
    if (++chunks > maxChunks) refuse(`has more than ${maxChunks} chunks before its image data`);
    const content = bytes.subarray(chunk.start, chunk.end);
    if (chunk.type === chunkTypes.PLTE) {
      // In other images it only suggests colours to displays that have few.
      if (header.colorType !== colorTypes.palette) continue;
      if (found.palette !== undefined) refuse('has two palettes');
      checkCrc(bytes, chunk);
      found.palette = parsePalette(content, header.bitDepth);
    } else if (chunk.type === chunkTypes.tRNS) {
      const fits = fitsTransparency(content, header, found.palette) && isIntact(bytes, chunk);
      if (fits) found.transparency ??= content;
    } else if (chunk.type === chunkTypes.eXIf) {
      if (isIntact(bytes, chunk)) found.exif ??= content;
    } else {
      checkSkippable(chunk);
    }
  }
  return refuse(`is cut off after ${bytes.length} bytes`);
}

/** How the stored picture is to be turned, from 1, upright, to 8 (EXIF 2.32, tag 0x0112). */
export function orientationOfPng({ exif }: PngHeader): number {
  return (exif && readExif(exif).orientation) ?? 1;
}

/** Bytes a pixel the decoded rows need: 3 unless the image can be transparent somewhere. */
export function channelsOfPng(header: PngHeader): Channels {
  return hasAlphaSamples(header.colorType) || header.transparency !== undefined ? 4 : 3;
}

export function hasAlphaSamples(colorType: number): boolean {
  return colorType === colorTypes.greyAlpha || colorType === colorTypes.rgba;
}

/** Bytes of a row of `width` pixels before it is filtered. */
export function rowLength(header: PngHeader, width: number): number {
  return Math.ceil((width * header.samplesAPixel * header.bitDepth) / 8);
}

function parseHeader(bytes: Uint8Array, chunk: Chunk): SizeAndLayout {
  if (chunk.type !== chunkTypes.IHDR) refuse(`starts with ${nameOf(chunk.type)}, not IHDR`);
  if (chunk.end - chunk.start !== 13) refuse(`has a header of ${chunk.end - chunk.start} bytes, not 13`);
  if (!isWhole(bytes, chunk)) refuse(`is cut off after ${bytes.length} bytes`);
  checkCrc(bytes, chunk);
  const content = bytes.subarray(chunk.start, chunk.end);
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

/** The colours an index of so many bits can reach; what a palette has beyond them is left out. */
function parsePalette(content: Uint8Array, bitDepth: number): Uint8Array {
  if (content.length === 0 || content.length > 3 * 256 || content.length % 3 !== 0) {
    refuse(`has a palette of ${content.length} bytes`);
  }
  return content.subarray(0, 3 * 2 ** bitDepth);
}

/** Whether tRNS is as long as the colour type asks (section 11.3.1.1); one that is not is ignored. */
function fitsTransparency(
  { length }: Uint8Array,
  { colorType, samplesAPixel }: SizeAndLayout,
  palette: Uint8Array | undefined,
): boolean {
  if (hasAlphaSamples(colorType)) return false;
  if (colorType !== colorTypes.palette) return length === 2 * samplesAPixel;
  return palette !== undefined && length >= 1 && length <= palette.length / 3;
}

/** Refuses a chunk without which the pixels cannot be understood: one whose name starts with a capital letter (section 5.4). */
function checkSkippable({ type, start }: Chunk): void {
  const name = nameOf(type);
  if (name.includes('?')) refuse(`has no chunk where one should be, at ${start - 4}`);
  if (/^[A-Z]/.test(name)) refuse(`has a ${name} chunk before its image data, which is not understood here`);
}

function checkCrc(bytes: Uint8Array, chunk: Chunk): void {
  if (!isIntact(bytes, chunk)) refuse(`has a damaged ${nameOf(chunk.type)} chunk at ${chunk.start - 4}`);
}

function refuse(what: string): never {
  throw new Problem('invalid-image', `The PNG ${what}`);
}
