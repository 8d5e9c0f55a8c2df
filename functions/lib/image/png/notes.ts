// The chunks that say how to show a PNG's pixels. If they are missing, doubled, damaged or in the wrong
// place, they are ignored, as in libpng, because they change no pixel.
import { chunkTypes } from './chunks.ts';

/** Contents by chunk type: the first chunk of each type that is undamaged and in its place. */
export type PngNotes = Map<number, Uint8Array>;

interface NoteKind {
  /** Length in bytes, if it is fixed. */
  length?: number;
  /** Whether it must come before a palette (PNG specification, section 5.6). */
  isBeforePalette: boolean;
}

const kinds = new Map<number, NoteKind>([
  [chunkTypes.cICP, { length: 4, isBeforePalette: true }],
  [chunkTypes.mDCV, { length: 24, isBeforePalette: true }],
  [chunkTypes.cLLI, { length: 8, isBeforePalette: true }],
  [chunkTypes.iCCP, { isBeforePalette: true }],
  [chunkTypes.sRGB, { length: 1, isBeforePalette: true }],
  [chunkTypes.gAMA, { length: 4, isBeforePalette: true }],
  [chunkTypes.cHRM, { length: 32, isBeforePalette: true }],
  [chunkTypes.pHYs, { length: 9, isBeforePalette: false }],
  [chunkTypes.eXIf, { isBeforePalette: false }],
]);

/** Returns whether a chunk of this type and length is one of these, given whether a palette came before it. */
export function isNote(type: number, length: number, isBehindPalette: boolean): boolean {
  const kind = kinds.get(type);
  if (kind === undefined || (kind.isBeforePalette && isBehindPalette)) return false;
  return kind.length === undefined || kind.length === length;
}
