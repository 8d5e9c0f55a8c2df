// Arithmetic on 32-bit words where each byte counts separately, so that three or four samples are computed at
// once. A DataView reads and writes words at any position as fast as an array.

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Returns a + b, modulo 256 for each byte. The top bits are left out, so that no carry reaches the next byte,
 * and are corrected afterwards.
 */
export function addBytes(a: number, b: number): number {
  return ((a & 0x7f7f7f7f) + (b & 0x7f7f7f7f)) ^ ((a ^ b) & 0x80808080);
}

/**
 * Returns a - b, modulo 256 for each byte. The top bit is set, so that no borrow reaches the next byte, and
 * is corrected afterwards.
 */
export function subtractBytes(a: number, b: number): number {
  return ((a | 0x80808080) - (b & 0x7f7f7f7f)) ^ ((a ^ ~b) & 0x80808080);
}

/** Returns (a + b) >> 1 for each byte, with the carry: the common bits, plus half of the bits that differ. */
export function averageBytes(a: number, b: number): number {
  return ((a & b) + (((a ^ b) & 0xfefefefe) >>> 1)) | 0;
}
