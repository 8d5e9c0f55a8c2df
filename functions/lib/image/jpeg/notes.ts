// The application segments of a JPEG that describe its pixels: JFIF, EXIF and the colour profile. Damaged
// ones are ignored, as viewers do, because they change no pixel.
import { aspectDensity, type Density, metreDensity } from '../density.ts';
import { type ExifNotes, readExif } from '../exif.ts';

export interface JpegNotes {
  /** How to turn the stored picture: 1, already upright, to 8. */
  orientation: number;
  /** The ICC profile, if all its parts are present. */
  iccProfile?: Uint8Array;
  /** Density of the picture as stored. */
  density?: Density;
}

const app0 = 0xe0;
const app1 = 0xe1;
const app2 = 0xe2;

/** The pieces of one ICC profile; each segment holds one, with its number and their count (ICC.1, annex B.4). */
interface ProfilePart {
  number: number;
  count: number;
  bytes: Uint8Array;
}

/** Collects the application segments of a JPEG. */
export class NoteReader {
  #jfif: { density?: Density } = {};
  #exif: ExifNotes | undefined;
  readonly #profileParts: ProfilePart[] = [];

  /** Reads the content of a segment with this marker. Other segments are ignored. */
  read(marker: number, content: Uint8Array): void {
    if (marker === app0 && hasName(content, 'JFIF\0')) {
      this.#jfif = readJfif(content);
    } else if (marker === app1 && hasName(content, 'Exif\0\0')) {
      this.#exif ??= readExif(content.subarray(6));
    } else if (marker === app2 && hasName(content, 'ICC_PROFILE\0') && content.length >= 14) {
      this.#profileParts.push({ number: content[12], count: content[13], bytes: content.subarray(14) });
    }
  }

  /** Returns what the segments said. JFIF's density has priority over EXIF's. */
  notes(): JpegNotes {
    const iccProfile = joinProfile(this.#profileParts);
    const density = this.#jfif.density ?? this.#exif?.density;
    return {
      orientation: this.#exif?.orientation ?? 1,
      ...(iccProfile && { iccProfile }),
      ...(density && { density }),
    };
  }
}

function hasName(content: Uint8Array, name: string): boolean {
  return Buffer.from(content.subarray(0, name.length)).toString('latin1') === name;
}

/** JFIF 1.02: the unit is in byte 7, followed by two numbers of 16 bits. */
function readJfif(content: Uint8Array): { density?: Density } {
  if (content.length < 12) return {};
  const x = content[8] * 256 + content[9];
  const y = content[10] * 256 + content[11];
  const unit = content[7];
  if (unit === 0) return { density: aspectDensity(x, y) };
  if (unit === 1) return { density: metreDensity(x / 0.0254, y / 0.0254) };
  if (unit === 2) return { density: metreDensity(x * 100, y * 100) };
  return {};
}

/**
 * Returns the profile; its parts may come in any order. Returns undefined if a part is missing, has another
 * count, or occurs twice with different bytes. A part that occurs twice with the same bytes counts once.
 */
function joinProfile(parts: ProfilePart[]): Uint8Array | undefined {
  if (parts.length === 0) return undefined;
  const ordered = parts
    .toSorted((a, b) => a.number - b.number)
    .filter((part, i, sorted) => i === 0 || !isSamePart(part, sorted[i - 1]));
  const fits = ordered.every(({ number, count }, i) => number === i + 1 && count === ordered.length);
  return fits ? Buffer.concat(ordered.map(({ bytes }) => bytes)) : undefined;
}

function isSamePart(a: ProfilePart, b: ProfilePart): boolean {
  return a.number === b.number && a.count === b.count && Buffer.compare(a.bytes, b.bytes) === 0;
}
