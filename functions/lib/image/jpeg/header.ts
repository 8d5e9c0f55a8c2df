// What a JPEG says of itself, read by walking its segments (ITU-T T.81, annex B) to the end: a decoder fills what is
// missing with grey and goes on, so a file that is cut off has to be found out before.
import { Problem } from '../../errors.ts';
import { firstSidewaysOrientation } from '../bands.ts';
import { readOrientation } from '../exif.ts';

export interface JpegHeader {
  /** Pixels, after turning by `orientation`. */
  width: number;
  height: number;
  /** How the stored picture is to be turned (EXIF tag 0x0112): 1 to 8, 1 when it is upright or nothing is said. */
  orientation: number;
}

/** Each scan is a pass over all pixels, for as little as a few bytes. Encoders use about ten, at most 64. */
const maxScans = 100;

const markers = { startOfImage: 0xd8, endOfImage: 0xd9, startOfScan: 0xda, app1: 0xe1 } as const;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === markers.startOfImage && bytes[2] === 0xff;
}

/**
 * Reads the header and checks that the file is whole. Throws `invalid-image`, or `unsupported-image` for the kinds of
 * JPEG that are not decoded here: lossless, arithmetic, hierarchical, 12 bits, CMYK.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let frame: { width: number; height: number } | undefined;
  let orientation: number | undefined;
  let scans = 0;
  for (let at = 2; ;) {
    at = findMarker(bytes, at);
    const marker = bytes[at + 1];
    if (marker === markers.endOfImage) break;
    if (at + 4 > bytes.length) refuseCutOff(bytes);
    const start = at + 4;
    const end = at + 2 + view.getUint16(at + 2);
    if (end < start) refuse(`has a segment of impossible length at ${at}`);
    if (end > bytes.length) refuseCutOff(bytes);
    if (isStartOfFrame(marker)) {
      if (frame !== undefined) refuse('has two frames');
      frame = parseFrame(marker, bytes.subarray(start, end));
    } else if (marker === markers.app1) {
      orientation ??= readOrientation(bytes.subarray(start, end));
    } else if (marker === markers.startOfScan) {
      if (frame === undefined) refuse('has a scan before its frame');
      scans++;
      if (scans > maxScans) refuse(`has more than ${maxScans} scans`);
    }
    at = end;
  }
  if (frame === undefined || scans === 0) refuse('has no picture');
  orientation ??= 1;
  const { width, height } = frame;
  return orientation < firstSidewaysOrientation
    ? { width, height, orientation }
    : { width: height, height: width, orientation };
}

/** Where the next marker is, at or after `at`: past compressed data, its stuffed zeros and its restart markers. */
function findMarker(bytes: Uint8Array, at: number): number {
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at === -1 || at + 1 >= bytes.length) refuseCutOff(bytes);
    const code = bytes[at + 1];
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (code === 0xff) at += 1;
    else if (code <= 0x01 || isRestart) at += 2;
    else return at;
  }
}

/** SOF0 to SOF15; among them are the markers of Huffman tables, extensions and arithmetic conditioning. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function parseFrame(marker: number, segment: Uint8Array): { width: number; height: number } {
  if (segment.length < 6) refuse('has a frame header that is too short');
  const [precision, heightHigh, heightLow, widthHigh, widthLow, components] = segment;
  // SOF0 baseline, SOF1 extended, SOF2 progressive.
  if (marker > 0xc2) refuseKind(`JPEGs of frame type ${marker - 0xc0}`);
  if (precision !== 8) refuseKind(`JPEGs with ${precision} bits a sample`);
  if (components === 4) refuseKind('CMYK JPEGs');
  if (components !== 1 && components !== 3) refuse(`has ${components} colour components`);
  const width = widthHigh * 256 + widthLow;
  const height = heightHigh * 256 + heightLow;
  if (width === 0 || height === 0) refuse(`claims ${width}x${height} pixels`);
  return { width, height };
}

function refuse(what: string): never {
  throw new Problem('invalid-image', `The JPEG ${what}`);
}

function refuseCutOff(bytes: Uint8Array): never {
  refuse(`is cut off after ${bytes.length} bytes`);
}

function refuseKind(kind: string): never {
  throw new Problem(
    'unsupported-image',
    `${kind} are not decoded here; save the image as an RGB JPEG or PNG`,
  );
}
