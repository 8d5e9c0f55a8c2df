// The chunks that say how a PNG's pixels are to be shown. They may be missing, doubled, damaged or out of place, and are
// ignored then, as libpng does: they change no pixel.
import { chunkTypes } from './chunks.ts';

/** Contents by chunk type: of each type the first that is in its place and undamaged. */
export type PngNotes = Map<number, Uint8Array>;

interface NoteKind {
  /** Length in bytes, where it is fixed. */
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

/** Whether a chunk of this type and length is such a note, where a palette did or did not come before it. */
export function isNote(type: number, length: number, isBehindPalette: boolean): boolean {
  const kind = kinds.get(type);
  if (kind === undefined || (kind.isBeforePalette && isBehindPalette)) return false;
  return kind.length === undefined || kind.length === length;
}
