// Colour profiles that may be put into a PNG with RGB pixels (ICC.1:2010, section 7). The checks are the same
// as libpng's, because no program would use a profile that libpng refuses.

/** Profiles for screens take a few KB, those for printers and scanners up to some MB. */
export const maxProfileBytes = 4 * 1024 * 1024;

const headerBytes = 128;
const tagBytes = 12;
const classes = new Set(['mntr', 'scnr', 'prtr', 'spac']);
const connectionSpaces = new Set(['XYZ ', 'Lab ']);

/**
 * Returns the profile in `bytes`, without the bytes after it. Returns undefined if it is not for RGB pixels
 * (grey or ink), is incomplete, makes no sense, or is larger than {@link maxProfileBytes}.
 */
export function rgbProfileOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < headerBytes + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = view.getUint32(0);
  const isWhole = size >= headerBytes + 4 && size <= bytes.length && size <= maxProfileBytes;
  return isWhole && fitsRgb(bytes, view) && hasItsTags(view, size) ? bytes.subarray(0, size) : undefined;
}

function fitsRgb(bytes: Uint8Array, view: DataView): boolean {
  const signature = (at: number): string => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
  return (
    signature(36) === 'acsp' &&
    signature(16) === 'RGB ' &&
    connectionSpaces.has(signature(20)) &&
    classes.has(signature(12)) &&
    view.getUint32(64) < 0xffff // The rendering intent.
  );
}

/** Returns whether every tag is inside the profile. From version 4 on, a profile is padded to whole words. */
function hasItsTags(view: DataView, size: number): boolean {
  const version = view.getUint8(8);
  if (version >= 4 && size % 4 !== 0) return false;
  const tags = view.getUint32(headerBytes);
  if (headerBytes + 4 + tagBytes * tags > size) return false;
  for (let tag = 0; tag < tags; tag++) {
    const at = headerBytes + 4 + tagBytes * tag;
    if (view.getUint32(at + 4) + view.getUint32(at + 8) > size) return false;
  }
  return true;
}
