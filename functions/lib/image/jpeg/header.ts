// Reads a JPEG's segments before its first scan (ITU-T T.81, annex B). The decoder checks the scans.
import { Problem } from '../../errors.ts';
import { firstSidewaysOrientation, uprightSize } from '../bands.ts';
import { turnSideways } from '../density.ts';
import { type JpegNotes, NoteReader } from './notes.ts';

/** Width, height and density apply to the picture after turning it by `orientation`. */
export interface JpegHeader extends JpegNotes {
  width: number;
  height: number;
  /** 1 for grey, 3 for colour. */
  components: 1 | 3;
}

type Frame = Pick<JpegHeader, 'width' | 'height' | 'components'>;

/**
 * How many bytes between segments, and how many segments before the first scan, are accepted. Real files have
 * a few, or some thousand segments for a very long note. Without a limit, a file of only such segments would
 * keep this thread busy.
 */
const maxStrayBytes = 1024 * 1024;
const maxSegments = 10_000;

const markers = { startOfImage: 0xd8, endOfImage: 0xd9, startOfScan: 0xda } as const;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === markers.startOfImage && bytes[2] === 0xff;
}

/**
 * Reads the segments before the first scan. Throws `invalid-image`, or `unsupported-image` for JPEGs that are
 * not decoded here: lossless, arithmetic-coded, hierarchical, 12 bits, CMYK.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const notes = new NoteReader();
  let frame: Frame | undefined;
  let strayBytes = 0;
  for (let at = 2, segments = 0; ; segments++) {
    const next = findMarker(bytes, at);
    strayBytes += next - at;
    if (strayBytes > maxStrayBytes) refuse(`has more than ${maxStrayBytes} stray bytes before its picture`);
    if (segments > maxSegments) refuse(`has more than ${maxSegments} segments before its picture`);
    const marker = bytes[next + 1];
    if (marker === markers.startOfScan) break;
    if (marker === markers.startOfImage || marker === markers.endOfImage) refuse('has no picture');
    if (next + 4 > bytes.length) refuseCutOff(bytes);
    const start = next + 4;
    const end = next + 2 + view.getUint16(next + 2);
    if (end < start) refuse(`has a segment of impossible length at ${next}`);
    if (end > bytes.length) refuseCutOff(bytes);
    const content = bytes.subarray(start, end);
    if (isStartOfFrame(marker)) {
      if (frame !== undefined) refuse('has two frames');
      frame = parseFrame(marker, content);
    } else {
      notes.read(marker, content);
    }
    at = end;
  }
  if (frame === undefined) refuse('has a scan before its frame');
  return turn({ ...frame, ...notes.notes() });
}

function turn(header: JpegHeader): JpegHeader {
  const { orientation, density } = header;
  if (orientation < firstSidewaysOrientation) return header;
  const size = uprightSize(header, orientation);
  return { ...header, ...size, ...(density && { density: turnSideways(density) }) };
}

/**
 * Returns the position of the next marker with a segment, at or after `at`. Skips fill bytes, stray bytes and
 * lone markers.
 */
function findMarker(bytes: Uint8Array, at: number): number {
  const limit = at + maxStrayBytes;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at === -1 || at + 1 >= bytes.length) refuseCutOff(bytes);
    const code = bytes[at + 1];
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (at > limit) return at;
    if (code === 0xff) at += 1;
    else if (code <= 0x01 || isRestart) at += 2;
    else return at;
  }
}

/** SOF0 to SOF15. The same range also has the markers of Huffman tables, extensions and arithmetic conditioning. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function parseFrame(marker: number, segment: Uint8Array): Frame {
  if (segment.length < 6) refuse('has a frame header that is too short');
  const [precision, heightHigh, heightLow, widthHigh, widthLow, components] = segment;
  // SOF0 baseline, SOF1 extended, SOF2 progressive.
  if (marker > 0xc2)
    refuseKind(marker > 0xc8 ? 'Arithmetic-coded JPEGs' : `JPEGs of frame type ${marker - 0xc0}`);
  if (precision !== 8) refuseKind(`JPEGs with ${precision} bits per sample`);
  if (components === 4) refuseCmyk();
  if (components !== 1 && components !== 3) refuse(`has ${components} colour components`);
  const width = widthHigh * 256 + widthLow;
  const height = heightHigh * 256 + heightLow;
  if (width === 0 || height === 0) refuse(`claims ${width}x${height} pixels`);
  return { width, height, components };
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
    `${kind} are not decoded here; save the image as a baseline or progressive JPEG, or as a PNG`,
  );
}

function refuseCmyk(): never {
  throw new Problem(
    'unsupported-image',
    'CMYK JPEGs are for printing, and what their inks look like on a screen depends on the press. Convert the image to RGB first, for example with ImageMagick: magick photo.jpg -colorspace sRGB photo.png',
  );
}
