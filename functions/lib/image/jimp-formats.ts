// Our codecs as Jimp formats, which decode and encode whole images. The functions never load Jimp: they
// stream bands, see read.ts.
import { type AllocateBand, bandsOf } from './bands.ts';
import { decodeStored } from './jpeg/upright-bands.ts';
import { readJpegHeader } from './jpeg/header.ts';
import { decodePng } from './png/decode.ts';
import { encodePng } from './png/encode.ts';
import { viewOf } from './png/words.ts';
import { readHeader } from './read.ts';

/** RGBA pixels as Jimp holds them. */
export interface JimpBitmap {
  data: Buffer;
  width: number;
  height: number;
}

/**
 * PNG for `createJimp`. A bad image throws the same Problems as `decodeBands`. Opaque images are written as
 * RGB files.
 */
export function pngFormat() {
  return { mime: 'image/png' as const, hasAlpha: true, decode: decodePngWhole, encode: encodePngWhole };
}

/**
 * JPEG for `createJimp`: decodes with our decoder, encodes with Jimp's own. Jimp itself turns the picture by
 * its EXIF orientation.
 */
export function jpegFormat() {
  return { mime: 'image/jpeg' as const, decode: decodeJpegWhole, encode: encodeJpegWhole };
}

async function decodePngWhole(bytes: Buffer): Promise<JimpBitmap> {
  const { width, height, channels } = readHeader(bytes);
  const data = Buffer.allocUnsafeSlow(width * height * 4);
  let end = 0;
  const takeNext = (length: number): Buffer => data.subarray(end, (end += length));
  let pixels = 0;
  for await (const band of decodePng(bytes, channels === 4 ? takeNext : reuseOne())) {
    const length = band.width * band.height;
    if (channels === 3) addAlpha(band.data, new Uint32Array(data.buffer, pixels * 4, length));
    pixels += length;
  }
  return { data, width, height };
}

async function encodePngWhole(bitmap: JimpBitmap): Promise<Buffer> {
  const { width, height } = bitmap;
  const chunks: Uint8Array[] = [];
  const encoded = isOpaque(bitmap.data)
    ? encodePng({ width, height, channels: 3 }, bandsOf(bitmap, 3, { allocate: reuseOne() }))
    : encodePng({ width, height, channels: 4 }, [bitmap]);
  for await (const chunk of encoded) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Returns the same memory for every band. It stays in the cache, while new memory would have to be mapped and
 * cleared first.
 */
function reuseOne(): AllocateBand {
  let memory = Buffer.alloc(0);
  return (length) => {
    if (memory.length < length) memory = Buffer.allocUnsafeSlow(length);
    return memory.subarray(0, length);
  };
}

async function decodeJpegWhole(bytes: Buffer): Promise<JimpBitmap> {
  const header = readJpegHeader(bytes);
  const data = Buffer.allocUnsafeSlow(header.width * header.height * 4);
  let width = 0;
  let pixels = 0;
  for (const band of await decodeStored(bytes)) {
    const length = band.width * band.height;
    addAlpha(band.data, new Uint32Array(data.buffer, pixels * 4, length));
    width = band.width;
    pixels += length;
  }
  return { data, width, height: pixels / width };
}

async function encodeJpegWhole(bitmap: JimpBitmap, options?: { quality?: number }): Promise<Buffer> {
  const { default: jpeg } = await import('@jimp/js-jpeg');
  return jpeg().encode(bitmap, options);
}

/** Pixels are read and written as words of four bytes, red first, because Node runs on little-endian machines. */
function addAlpha(rgb: Uint8Array, rgba: Uint32Array): void {
  const words = viewOf(rgb);
  const last = rgba.length - 1;
  for (let i = 0, from = 0; i < last; i = (i + 1) | 0, from = (from + 3) | 0) {
    rgba[i] = words.getInt32(from, true) | 0xff000000;
  }
  // A word would reach beyond the last pixel.
  rgba[last] = words.getUint16(3 * last, true) | (words.getUint8(3 * last + 2) << 16) | 0xff000000;
}

function isOpaque(rgba: Uint8Array): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false;
  return true;
}
