// Reads a PNG's chunks before its pixels. This is the first step of every decode, and the only one for a
// refused file. It accepts and refuses the same files as libpng; testing/odd-pngs lists the cases.
import { readExif } from '../exif.ts';
import type { Channels } from '../pixels.ts';
import { type Chunk, chunkTypes, isIntact, isWhole, nameOf, readChunks } from './chunks.ts';
import { colorTypes, hasAlphaSamples, parseLayout, type PngLayout } from './layout.ts';
import { isNote, type PngNotes } from './notes.ts';
import { refusePng } from './refuse.ts';

export interface PngHeader extends PngLayout {
  /** The colours of a palette image, 3 bytes per colour. */
  palette?: Uint8Array;
  /** Content of tRNS: alpha values for the first palette colours, or one transparent colour in 16-bit samples. */
  transparency?: Uint8Array;
  notes: PngNotes;
  /** Position of the first IDAT chunk in the file. */
  imageDataAt: number;
}

/** Files have a few chunks before their pixels. A file of only such chunks would keep this thread busy. */
const maxChunks = 10_000;

/**
 * Reads everything before the image data. Later chunks change no pixel, and decoding shows whether the data
 * is complete. Throws `invalid-image`.
 */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  let header: PngHeader | undefined;
  let isBehindPalette = false;
  let count = 0;
  for (const chunk of readChunks(bytes)) {
    if (header && chunk.type === chunkTypes.IDAT) {
      if (isIndexed(header) && header.palette === undefined) refusePng('has no palette');
      header.imageDataAt = chunk.at;
      return header;
    }
    if (!isWhole(bytes, chunk)) break;
    if (chunk.type !== chunkTypes.IHDR && ++count > maxChunks) {
      refusePng(`has more than ${maxChunks} chunks before its image data`);
    }
    if (header) takeChunk(header, bytes, chunk, isBehindPalette);
    else if (chunk.type === chunkTypes.IHDR) header = startHeader(bytes, chunk);
    else checkSkippable(chunk);
    isBehindPalette ||= chunk.type === chunkTypes.PLTE;
  }
  return refuseCutOff(bytes);
}

/** Returns how to turn the stored picture: 1, already upright, to 8 (EXIF 2.32, tag 0x0112). */
export function orientationOfPng({ notes }: PngHeader): number {
  const exif = notes.get(chunkTypes.eXIf);
  return (exif && readExif(exif).orientation) ?? 1;
}

/** Returns the bytes per pixel of the decoded rows: 3, or 4 if a pixel can be transparent. */
export function channelsOfPng(header: PngHeader): Channels {
  return hasAlphaSamples(header) || header.transparency !== undefined ? 4 : 3;
}

function startHeader(bytes: Uint8Array, chunk: Chunk): PngHeader {
  checkCrc(bytes, chunk);
  return { ...parseLayout(contentOf(bytes, chunk)), notes: new Map(), imageDataAt: 0 };
}

/** Copies the chunk's content into `header`. Throws for an important chunk that is damaged or unknown. */
function takeChunk(header: PngHeader, bytes: Uint8Array, chunk: Chunk, isBehindPalette: boolean): void {
  const content = contentOf(bytes, chunk);
  if (chunk.type === chunkTypes.PLTE) {
    // In other images a palette only suggests colours for displays with few colours.
    if (!isIndexed(header)) return;
    if (header.palette !== undefined) refusePng('has two palettes');
    checkCrc(bytes, chunk);
    header.palette = parsePalette(content, header.bitDepth);
  } else if (chunk.type === chunkTypes.tRNS) {
    if (fitsTransparency(content, header) && isIntact(bytes, chunk)) header.transparency ??= content;
  } else if (isNote(chunk.type, content.length, isBehindPalette)) {
    const isFirst = !header.notes.has(chunk.type);
    if (isFirst && isIntact(bytes, chunk)) header.notes.set(chunk.type, content);
  } else {
    checkSkippable(chunk);
  }
}

function isIndexed({ colorType }: PngLayout): boolean {
  return colorType === colorTypes.palette;
}

/** Returns the colours that an index of so many bits can reach. Further palette entries are left out. */
function parsePalette(content: Uint8Array, bitDepth: number): Uint8Array {
  if (content.length === 0 || content.length > 3 * 256 || content.length % 3 !== 0) {
    refusePng(`has a palette of ${content.length} bytes`);
  }
  return content.subarray(0, 3 * 2 ** bitDepth);
}

/**
 * Returns whether tRNS has the right length for the colour type (section 11.3.1.1). With another length it is
 * ignored.
 */
function fitsTransparency({ length }: Uint8Array, header: PngHeader): boolean {
  if (hasAlphaSamples(header)) return false;
  if (!isIndexed(header)) return length === 2 * header.samplesAPixel;
  return header.palette !== undefined && length >= 1 && length <= header.palette.length / 3;
}

/**
 * Refuses a chunk that the pixels cannot be understood without: its name starts with a capital letter
 * (section 5.4).
 */
function checkSkippable({ type, start }: Chunk): void {
  if (type === chunkTypes.IEND) refusePng('has no image data');
  const name = nameOf(type);
  if (name.includes('?')) refusePng(`has no chunk where one should be, at ${start - 4}`);
  if (/^[A-Z]/.test(name))
    refusePng(`has a ${name} chunk before its image data, which is not understood here`);
}

function contentOf(bytes: Uint8Array, chunk: Chunk): Uint8Array {
  return bytes.subarray(chunk.start, chunk.end);
}

function checkCrc(bytes: Uint8Array, chunk: Chunk): void {
  if (!isIntact(bytes, chunk)) refusePng(`has a damaged ${nameOf(chunk.type)} chunk at ${chunk.start - 4}`);
}

function refuseCutOff(bytes: Uint8Array): never {
  refusePng(`is cut off after ${bytes.length} bytes`);
}
