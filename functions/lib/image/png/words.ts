// Bytes taken four at a time: arithmetic on 32-bit words, each byte for itself, which gives three or four samples for
// the price of one. A DataView reads and writes words at any place, at the speed of an array.

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** a + b, modulo 256: a carry is kept from the next byte by leaving out the top bits, which are put right after. */
export function addBytes(a: number, b: number): number {
  return ((a & 0x7f7f7f7f) + (b & 0x7f7f7f7f)) ^ ((a ^ b) & 0x80808080);
}

/** a - b, modulo 256: a borrow is kept from the next byte by setting the top bit, which is put right after. */
export function subtractBytes(a: number, b: number): number {
  return ((a | 0x80808080) - (b & 0x7f7f7f7f)) ^ ((a ^ ~b) & 0x80808080);
}

/** (a + b) >> 1, with the carry: what both have, plus half of what one has. */
export function averageBytes(a: number, b: number): number {
  return ((a & b) + (((a ^ b) & 0xfefefefe) >>> 1)) | 0;
}
