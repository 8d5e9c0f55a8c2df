// Reads two facts from a photo's EXIF data: how the camera was held, and how many pixels there are per metre.
// EXIF is a TIFF block, in an APP1 segment of a JPEG or in the eXIf chunk of a PNG.
import { aspectDensity, type Density, metreDensity } from './density.ts';

export interface ExifNotes {
  /** How to turn the stored picture (tag 0x0112): 1, already upright, to 8. */
  orientation?: number;
  density?: Density;
}

const tags = { orientation: 0x0112, xResolution: 0x011a, yResolution: 0x011b, resolutionUnit: 0x0128 };
const types = { byte: 1, short: 3, long: 4, rational: 5, sbyte: 6, sshort: 8, slong: 9 };
const metresPerUnit = new Map([
  [2, 0.0254],
  [3, 0.01],
]);
/** The unit is the inch if none is given (EXIF 2.32, section 4.6.4). */
const inch = 2;

/**
 * Returns the facts in the TIFF block `tiff`. Damaged, missing and senseless entries are left out, as viewers
 * do. Orientation should be a SHORT, but other integer types are accepted too.
 */
export function readExif(tiff: Uint8Array): ExifNotes {
  const values = readFirstDirectory(tiff);
  const orientation = values.get(tags.orientation);
  return {
    ...(isOrientation(orientation) && { orientation }),
    ...densityOf(
      values.get(tags.xResolution),
      values.get(tags.yResolution),
      values.get(tags.resolutionUnit) ?? inch,
    ),
  };
}

/** Returns the numbers in the block's first directory by their tag. If a tag occurs twice, the first entry counts. */
function readFirstDirectory(tiff: Uint8Array): Map<number, number> {
  const values = new Map<number, number>();
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  if (tiff.length < 8) return values;
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return values;
  const isLittleEndian = byteOrder === 0x4949;
  if (view.getUint16(2, isLittleEndian) !== 42) return values;
  const directory = view.getUint32(4, isLittleEndian);
  if (directory + 2 > tiff.length) return values;
  const entries = view.getUint16(directory, isLittleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.length) break;
    const tag = view.getUint16(entry, isLittleEndian);
    const value = readNumber(view, entry, isLittleEndian);
    if (value !== undefined && !values.has(tag)) values.set(tag, value);
  }
  return values;
}

/**
 * Returns the number in the directory entry at `entry`, or undefined if it has another type or is outside the
 * block.
 */
function readNumber(view: DataView, entry: number, isLittleEndian: boolean): number | undefined {
  const value = entry + 8;
  switch (view.getUint16(entry + 2, isLittleEndian)) {
    case types.byte:
      return view.getUint8(value);
    case types.short:
      return view.getUint16(value, isLittleEndian);
    case types.long:
      return view.getUint32(value, isLittleEndian);
    case types.sbyte:
      return view.getInt8(value);
    case types.sshort:
      return view.getInt16(value, isLittleEndian);
    case types.slong:
      return view.getInt32(value, isLittleEndian);
    case types.rational: {
      const at = view.getUint32(value, isLittleEndian);
      if (at + 8 > view.byteLength) return undefined;
      return view.getUint32(at, isLittleEndian) / view.getUint32(at + 4, isLittleEndian);
    }
    default:
      return undefined;
  }
}

function isOrientation(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 8;
}

function densityOf(x: number | undefined, y: number | undefined, unit: number): { density?: Density } {
  if (x === undefined || y === undefined) return {};
  const metres = metresPerUnit.get(unit);
  const density = metres === undefined ? aspectDensity(x, y) : metreDensity(x / metres, y / metres);
  return density === undefined ? {} : { density };
}
