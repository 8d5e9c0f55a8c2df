// The beginning of a file that is a result of Tessera.
import { resultSegments } from '../lib/image/jpeg/segments.ts';
import { labelChunk } from '../lib/image/png/label.ts';
import { signature } from '../lib/image/png/chunks.ts';

/** Returns the first bytes of a result: its signature, room for a header, and the label. */
export function earlierResult(): Buffer {
  return Buffer.concat([signature, Buffer.alloc(25), labelChunk('0123456789abcdef01234567')]);
}

/** The start of a JPEG that Tessera has written. */
export function earlierJpegResult(): Buffer {
  return Buffer.concat([Buffer.from([0xff, 0xd8]), resultSegments('0123456789abcdef01234567', {})]);
}
