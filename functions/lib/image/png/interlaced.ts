// Interlaced PNGs, by Jimp's own codec: their last row is not known before nearly all data is, so there is nothing to
// stream.
import { Problem } from '../../errors.ts';
import { type AllocateBand, bandsOf } from '../bands.ts';
import type { Bitmap } from '../pixels.ts';
import { readChunks } from './chunks.ts';
import { channelsOfPng, filteredLength, type PngHeader } from './header.ts';
import { inflateImageData } from './inflate.ts';

/** The rows of any PNG. Throws `invalid-image`. Holds the whole image, and blocks the thread while it decodes. */
export async function* decodeInterlaced(
  bytes: Uint8Array,
  header: PngHeader,
  allocate: AllocateBand,
): AsyncGenerator<Bitmap> {
  // The stock codec inflates these without a bound, so their length is found out first.
  for await (const _ of inflateImageData(bytes, filteredLength(header)));
  const { default: png } = await import('@jimp/js-png');
  yield* bandsOf(decode(bytes, png()), channelsOfPng(header), { allocate });
}

function decode(bytes: Uint8Array, codec: { decode: (data: Buffer, options: object) => Bitmap }): Bitmap {
  // It also refuses files with bytes after their end, and those with damaged notes, which do not touch the pixels.
  let end = 0;
  for (const chunk of readChunks(bytes)) end = chunk.end + 4;
  try {
    return codec.decode(Buffer.from(bytes.buffer, bytes.byteOffset, end), { checkCRC: false });
  } catch (cause) {
    throw new Problem('invalid-image', 'The PNG is damaged: its pixels cannot be decoded', { cause });
  }
}
