// What a PNG says of itself before its pixels: the first step of every decode, and the only one when it is refused.
import { Problem } from '../errors.ts';
import type { Channels } from '../pixels.ts';
import { type Chunk, checkCrc, chunkTypes, nameOf, readChunks } from './chunks.ts';

export const colorTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface PngHeader {
  width: number;
  height: number;
  /** Bits a sample, or bits an index in a palette image. */
  bitDepth: number;
  colorType: number;
  isInterlaced: boolean;
  /** A tRNS chunk makes some colours transparent. */
  hasTransparentColor: boolean;
}

/** Samples a pixel and the bit depths allowed, by colour type (PNG specification, table 11.1). */
const layouts = new Map<number, { samples: number; bitDepths: number[] }>([
  [colorTypes.grey, { samples: 1, bitDepths: [1, 2, 4, 8, 16] }],
  [colorTypes.rgb, { samples: 3, bitDepths: [8, 16] }],
  [colorTypes.palette, { samples: 1, bitDepths: [1, 2, 4, 8] }],
  [colorTypes.greyAlpha, { samples: 2, bitDepths: [8, 16] }],
  [colorTypes.rgba, { samples: 4, bitDepths: [8, 16] }],
]);

/**
 * Reads the header and walks over all chunks, so that a file that is cut off or out of order is refused before any
 * work. Image data is not read and its CRCs are left to the decode. Throws `invalid-image`.
 */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  let header: PngHeader | undefined;
  let hasPalette = false;
  let previous = 0;
  let imageData: 'ahead' | 'here' | 'past' = 'ahead';
  for (const chunk of readChunks(bytes)) {
    if (header === undefined) {
      if (chunk.type !== chunkTypes.IHDR) refuse(`starts with ${nameOf(chunk.type)}, not IHDR`);
      header = parseIhdr(bytes, chunk);
      continue;
    }
    if (imageData === 'here' && chunk.type !== chunkTypes.IDAT) imageData = 'past';
    switch (chunk.type) {
      case chunkTypes.IDAT:
        if (imageData === 'past') refuse('has other chunks between its image data');
        imageData = 'here';
        break;
      case chunkTypes.PLTE:
        checkCrc(bytes, chunk);
        hasPalette = true;
        break;
      case chunkTypes.tRNS:
        // Ancillary, but it changes pixels.
        checkCrc(bytes, chunk);
        if (imageData === 'ahead') header.hasTransparentColor = true;
        break;
      case chunkTypes.IEND:
        checkCrc(bytes, chunk);
        break;
      default:
        // A capital first letter marks a chunk that must be understood.
        if (((chunk.type >>> 29) & 1) === 0) refuse(`needs ${nameOf(chunk.type)}, which is unknown here`);
    }
    previous = chunk.type;
  }
  if (header === undefined || previous !== chunkTypes.IEND || imageData === 'ahead')
    refuse('has no image data');
  if (header.colorType === colorTypes.palette && !hasPalette) refuse('has no palette');
  return header;
}

/** Bytes a pixel the decoded rows need: 3 unless the image can be transparent somewhere. */
export function channelsOfPng(header: PngHeader): Channels {
  const hasAlpha = header.colorType === colorTypes.greyAlpha || header.colorType === colorTypes.rgba;
  return hasAlpha || header.hasTransparentColor ? 4 : 3;
}

/** Bytes the image data must inflate to: every row with its filter byte, in all seven passes when interlaced. */
export function filteredLength(header: PngHeader): number {
  if (!header.isInterlaced) return passLength(header, header.width, header.height);
  let length = 0;
  for (const { x, y, dx, dy } of adam7) {
    length += passLength(header, Math.ceil((header.width - x) / dx), Math.ceil((header.height - y) / dy));
  }
  return length;
}

/** First pixel and steps of the seven passes of an interlaced image (PNG specification, section 8). */
const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

function passLength(header: PngHeader, width: number, height: number): number {
  if (width <= 0 || height <= 0) return 0;
  const bitsAPixel = (layouts.get(header.colorType)?.samples ?? 0) * header.bitDepth;
  return (1 + Math.ceil((width * bitsAPixel) / 8)) * height;
}

function parseIhdr(bytes: Uint8Array, chunk: Chunk): PngHeader {
  if (chunk.end - chunk.start !== 13) refuse(`has a header of ${chunk.end - chunk.start} bytes, not 13`);
  checkCrc(bytes, chunk);
  const view = new DataView(bytes.buffer, bytes.byteOffset + chunk.start, 13);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [bitDepth, colorType, compression, filter, interlace] = bytes.subarray(chunk.start + 8, chunk.end);
  const largest = 2 ** 31 - 1;
  if (width < 1 || height < 1 || width > largest || height > largest)
    refuse(`claims ${width}x${height} pixels`);
  if (!layouts.get(colorType)?.bitDepths.includes(bitDepth)) {
    refuse(`claims colour type ${colorType} with bit depth ${bitDepth}`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    refuse(`claims compression ${compression}, filter method ${filter}, interlace method ${interlace}`);
  }
  return { width, height, bitDepth, colorType, isInterlaced: interlace === 1, hasTransparentColor: false };
}

function refuse(what: string): never {
  throw new Problem('invalid-image', `The PNG ${what}`);
}
