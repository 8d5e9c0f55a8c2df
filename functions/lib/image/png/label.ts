// A result says whose it is: a text chunk with the id of its image, right behind the PNG's header (PNG specification,
// 11.3.3.2). It travels with the bytes, so it is true wherever the file is moved.
import { isImageId } from '../../job.ts';
import { frameChunk, isPng } from './chunks.ts';

const TEXT = 0x74455874; // tEXt
const KEYWORD = 'Tessera-Image';
/** The signature, the header's chunk, and what stands before the label's data. */
const LABEL_START = 8 + 25 + 8;
const LABEL_BYTES = KEYWORD.length + 1 + 24;

/** How many of a file's first bytes {@link labelOf} needs. */
export const LABELLED_HEAD_BYTES = LABEL_START + LABEL_BYTES;

/** The chunk that labels the result of image `imageId`. */
export function labelChunk(imageId: string): Uint8Array {
  return Buffer.concat(frameChunk(TEXT, Buffer.from(`${KEYWORD}\0${imageId}`, 'latin1')));
}

/** The id of the image whose result starts with `head`; null when it is no result of ours. */
export function labelOf(head: Uint8Array): string | null {
  if (!isPng(head)) return null;
  const [keyword, id] = Buffer.from(head.subarray(LABEL_START, LABELLED_HEAD_BYTES))
    .toString('latin1')
    .split('\0');
  return keyword === KEYWORD && isImageId(id) ? id : null;
}
