// The segments at the start of a JPEG result: its density (JFIF 1.02), the label with the image's id, and its colour
// profile (ICC.1:2010, annex B.4).
import { isImageId } from '../../job.ts';
import type { Appearance } from '../appearance.ts';
import type { Density } from '../density.ts';

const APP0 = 0xe0;
const APP2 = 0xe2;
const COMMENT = 0xfe;
const KEYWORD = 'Tessera-Image';
const PROFILE_NAME = 'ICC_PROFILE\0';
/** A segment's length has 16 bits and counts itself. */
const MOST_CONTENT = 65_535 - 2;
const LARGEST = 65_535;
/** The marker of the file's start, and JFIF's segment. */
const LABEL_START = 2 + 18;
const LABEL_BYTES = 4 + KEYWORD.length + 1 + 24;

/** How many of a file's first bytes {@link labelOfJpeg} needs. */
export const JPEG_HEAD_BYTES = LABEL_START + LABEL_BYTES;

/**
 * Returns the segments that follow the first marker of the result of image `imageId`. PNG's chunks about colour are left
 * out, because JPEG has no equivalent: without a profile its pixels count as sRGB.
 */
export function resultSegments(imageId: string, { iccProfile, density }: Appearance): Uint8Array {
  const profile = iccProfile === undefined ? [] : profileSegments(iccProfile);
  return Buffer.concat([jfif(density), labelSegment(imageId), ...profile]);
}

/** Returns the id in the label of a JPEG that starts with `head`, or null if it has none. */
export function labelOfJpeg(head: Uint8Array): string | null {
  const found = Buffer.from(head.subarray(LABEL_START, JPEG_HEAD_BYTES));
  const id = found.toString('latin1', LABEL_BYTES - 24);
  return isImageId(id) && found.equals(labelSegment(id)) ? id : null;
}

function labelSegment(imageId: string): Buffer {
  return segment(COMMENT, Buffer.from(`${KEYWORD}\0${imageId}`, 'latin1'));
}

function segment(marker: number, content: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function jfif(density: Density | undefined): Buffer {
  const { unit, x, y } = jfifDensity(density);
  const content = Buffer.from('JFIF\0\x01\x02\0\0\0\0\0\0\0', 'latin1');
  content[7] = unit;
  content.writeUInt16BE(x, 8);
  content.writeUInt16BE(y, 10);
  return segment(APP0, content);
}

interface JfifDensity {
  unit: 0 | 1 | 2;
  x: number;
  y: number;
}

/** Returns the density in dots per inch or per centimetre, whichever is closer. One that does not fit is left out. */
function jfifDensity(density: Density | undefined): JfifDensity {
  const none: JfifDensity = { unit: 0, x: 1, y: 1 };
  if (density === undefined) return none;
  if (density.unit === 'aspect') return aspect(density) ?? none;
  const perInch = rounded(density, 0.0254, 1);
  const perCentimetre = rounded(density, 0.01, 2);
  const best = perCentimetre.error < perInch.error ? perCentimetre : perInch;
  return fits(best) ? best : none;
}

function rounded({ x, y }: Density, metres: number, unit: 1 | 2): JfifDensity & { error: number } {
  const [exactX, exactY] = [x * metres, y * metres];
  const result = { unit, x: Math.round(exactX), y: Math.round(exactY) };
  const error = Math.abs(result.x / exactX - 1) + Math.abs(result.y / exactY - 1);
  return { ...result, error };
}

/** Returns the ratio as two 16-bit numbers, rounded if necessary, or null if it is too extreme. */
function aspect({ x, y }: Density): JfifDensity | null {
  const scale = Math.min(1, LARGEST / Math.max(x, y));
  const ratio: JfifDensity = { unit: 0, x: Math.round(x * scale), y: Math.round(y * scale) };
  return fits(ratio) ? ratio : null;
}

function fits({ x, y }: JfifDensity): boolean {
  return x >= 1 && y >= 1 && x <= LARGEST && y <= LARGEST;
}

/** A profile is cut into numbered parts. The largest that is kept (icc.ts) has fewer than the 255 that are possible. */
function profileSegments(profile: Uint8Array): Buffer[] {
  const most = MOST_CONTENT - PROFILE_NAME.length - 2;
  const count = Math.ceil(profile.length / most);
  return Array.from({ length: count }, (_, at) => {
    const part = profile.subarray(at * most, (at + 1) * most);
    return segment(
      APP2,
      Buffer.concat([Buffer.from(PROFILE_NAME, 'latin1'), Buffer.from([at + 1, count]), part]),
    );
  });
}
