// The beginning of a file that says that it is a result of Tessera.
import { labelChunk } from '../lib/image/png/label.ts';
import { signature } from '../lib/image/png/chunks.ts';

/** The first bytes of the result of an image: its signature, room for a header, and the label. */
export function earlierResult(): Buffer {
  return Buffer.concat([signature, Buffer.alloc(25), labelChunk('0123456789abcdef01234567')]);
}
