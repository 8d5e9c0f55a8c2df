// A text chunk with the image's id, directly after the PNG's header, so that a result names its image (PNG
// specification, 11.3.3.2). It is part of the file, so it stays right wherever the file is moved.
import { isImageId } from '../../job.ts';
import { frameChunk, isPng } from './chunks.ts';

const TEXT = 0x74455874; // tEXt
const KEYWORD = 'Tessera-Image';
/** The signature, the header chunk, and the bytes before the label's data. */
const LABEL_START = 8 + 25 + 8;
const LABEL_BYTES = KEYWORD.length + 1 + 24;

/** How many of a file's first bytes {@link labelOfPng} needs. */
export const PNG_HEAD_BYTES = LABEL_START + LABEL_BYTES;

/** Returns the chunk that labels the result of image `imageId`. */
export function labelChunk(imageId: string): Uint8Array {
  return Buffer.concat(frameChunk(TEXT, Buffer.from(`${KEYWORD}\0${imageId}`, 'latin1')));
}

/** Returns the id in the label of a PNG that starts with `head`, or null if it has none. */
export function labelOfPng(head: Uint8Array): string | null {
  if (!isPng(head)) return null;
  const [keyword, id] = Buffer.from(head.subarray(LABEL_START, PNG_HEAD_BYTES))
    .toString('latin1')
    .split('\0');
  return keyword === KEYWORD && isImageId(id) ? id : null;
}
