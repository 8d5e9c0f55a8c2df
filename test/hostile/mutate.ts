// Makes bad inputs from good ones, the same ones for the same seed.

/** Values that often break parsers: ends of ranges, signs, lengths beyond the end. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (bytes: Buffer, pick: (below: number) => number, other: Buffer) => Buffer;

const mutations: Mutation[] = [
  function flipBit(bytes, pick) {
    bytes[pick(bytes.length)] ^= 1 << pick(8);
    return bytes;
  },
  function setByte(bytes, pick) {
    bytes[pick(bytes.length)] = pick(256);
    return bytes;
  },
  function writeEdge(bytes, pick) {
    const size = [1, 2, 4][pick(3)];
    if (bytes.length < size) return bytes;
    const value = EDGES[pick(EDGES.length)] % 2 ** (8 * size);
    const at = pick(bytes.length - size + 1);
    if (pick(2) === 0) bytes.writeUIntBE(value, at, size);
    else bytes.writeUIntLE(value, at, size);
    return bytes;
  },
  function cutOff(bytes, pick) {
    return bytes.subarray(0, pick(bytes.length + 1));
  },
  function leaveOut(bytes, pick) {
    const from = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + pick(16))]);
  },
  function repeat(bytes, pick) {
    const from = pick(bytes.length);
    const piece = bytes.subarray(from, from + 1 + pick(64));
    return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)]);
  },
  function splice(bytes, pick, other) {
    const from = pick(other.length + 1);
    return Buffer.concat([bytes.subarray(0, pick(bytes.length + 1)), other.subarray(from, from + pick(256))]);
  },
];

/**
 * Returns a copy of one of `good` with one to four mutations, at most a few hundred bytes longer than the
 * longest of them.
 */
export function mutant(good: Buffer[], random: () => number): Buffer {
  const pick = (below: number): number => Math.floor(random() * below);
  let bytes = Buffer.from(good[pick(good.length)]);
  for (let left = 1 + pick(4); left > 0 && bytes.length > 0; left--) {
    bytes = Buffer.from(mutations[pick(mutations.length)](bytes, pick, good[pick(good.length)]));
  }
  return bytes;
}
