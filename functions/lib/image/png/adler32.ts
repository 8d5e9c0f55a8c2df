// The checksum of a zlib stream (RFC 1950, section 8.2). zlib itself cannot compute it here, because the data
// is compressed in stripes on several threads.

const modulus = 65521;
/** Bytes summed between two reductions. 64 keep every 16-bit lane below 2^16 (16 words, 255 * 15 * 16 / 2 = 30600). */
const block = 64;

/** Returns the checksum `sum` (1 at the start), continued over `data`. */
export function adler32(sum: number, data: DataView): number {
  let a = sum & 0xffff;
  let b = sum >>> 16;
  let i = 0;
  for (; i + block <= data.byteLength;) {
    // Each variable has two lanes of 16 bits: plain sums of the words' bytes, and sums of those sums before
    // each word.
    let bytes02 = 0;
    let bytes13 = 0;
    let sums02 = 0;
    let sums13 = 0;
    for (const end = (i + block) | 0; i < end; i = (i + 4) | 0) {
      const word = data.getInt32(i, true);
      sums02 = (sums02 + bytes02) | 0;
      sums13 = (sums13 + bytes13) | 0;
      bytes02 = (bytes02 + (word & 0xff00ff)) | 0;
      bytes13 = (bytes13 + ((word >>> 8) & 0xff00ff)) | 0;
    }
    const byte0 = bytes02 & 0xffff;
    const byte1 = bytes13 & 0xffff;
    const byte2 = bytes02 >>> 16;
    const byte3 = bytes13 >>> 16;
    const sums = (sums02 & 0xffff) + (sums02 >>> 16) + (sums13 & 0xffff) + (sums13 >>> 16);
    // Each byte counts once for every byte from itself to the end of the block: 4 for each later word, 4 to 1
    // in its own.
    b = (b + block * a + 4 * sums + 4 * byte0 + 3 * byte1 + 2 * byte2 + byte3) % modulus;
    a = (a + byte0 + byte1 + byte2 + byte3) % modulus;
  }
  for (; i < data.byteLength; i++) {
    a = (a + data.getUint8(i)) % modulus;
    b = (b + a) % modulus;
  }
  return ((b << 16) | a) >>> 0;
}
