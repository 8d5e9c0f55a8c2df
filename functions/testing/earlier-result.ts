// The beginning of a file that is a result of Tessera.
import { labelChunk } from '../lib/image/png/label.ts';
import { signature } from '../lib/image/png/chunks.ts';

/** Returns the first bytes of a result: its signature, room for a header, and the label. */
export function earlierResult(): Buffer {
  return Buffer.concat([signature, Buffer.alloc(25), labelChunk('0123456789abcdef01234567')]);
}
