// Recognises results by the label that every result carries: a text in a PNG, a comment in a JPEG.
import { isJpeg } from './jpeg/header.ts';
import { JPEG_HEAD_BYTES, labelOfJpeg } from './jpeg/segments.ts';
import { labelOfPng, PNG_HEAD_BYTES } from './png/label.ts';

/** How many of a file's first bytes {@link labelOf} needs. */
export const LABELLED_HEAD_BYTES = Math.max(PNG_HEAD_BYTES, JPEG_HEAD_BYTES);

/** Returns the id of the image whose result starts with `head`, or null if this is not a result of ours. */
export function labelOf(head: Uint8Array): string | null {
  return isJpeg(head) ? labelOfJpeg(head) : labelOfPng(head);
}
