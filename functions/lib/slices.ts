// Hashes and copies bytes in short pieces. Doing it at once for a whole upload would block the event loop for up to a tenth
// of a second, and delay probes.
import { setImmediate } from 'node:timers/promises';

/** Hashing this much takes about half a millisecond. */
const SLICE_BYTES = 1024 * 1024;

/** Yields `bytes` in slices of a mebibyte. Other work can run between two slices. */
export async function* inSlices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}

/** Returns a copy of `bytes` in its own memory, made slice by slice. */
export async function copyInSlices(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  let filled = 0;
  for await (const slice of inSlices(bytes)) {
    copy.set(slice, filled);
    filled += slice.length;
  }
  return copy;
}
