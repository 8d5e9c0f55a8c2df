// The one thing in a photo's EXIF notes that changes its pixels' places: which way up the camera was held.

const orientationTag = 0x0112;
const shortType = 3;

/**
 * The orientation, 1 to 8, in the content of an APP1 segment; undefined when it is not EXIF or says nothing that makes
 * sense (EXIF 2.32, section 4.6). Notes that are damaged are ignored, as decoders do.
 */
export function readOrientation(segment: Uint8Array): number | undefined {
  const preamble = 'Exif\0\0';
  if (Buffer.from(segment.subarray(0, preamble.length)).toString('latin1') !== preamble) return undefined;
  const tiff = segment.subarray(preamble.length);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  if (tiff.length < 8) return undefined;
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return undefined;
  const isLittleEndian = byteOrder === 0x4949;
  if (view.getUint16(2, isLittleEndian) !== 42) return undefined;
  const directory = view.getUint32(4, isLittleEndian);
  if (directory + 2 > tiff.length) return undefined;
  const entries = view.getUint16(directory, isLittleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.length) return undefined;
    if (view.getUint16(entry, isLittleEndian) !== orientationTag) continue;
    const value = view.getUint16(entry + 8, isLittleEndian);
    const isValid = view.getUint16(entry + 2, isLittleEndian) === shortType && value >= 1 && value <= 8;
    return isValid ? value : undefined;
  }
  return undefined;
}
