// The format of results: PNG, or JPEG with a quality. An image's id and its record hold it as a short text, such as `jpeg:85`.

export const formatNames = ['png', 'jpeg'] as const;
export type FormatName = (typeof formatNames)[number];
export type ResultFormat = { name: 'png' } | { name: 'jpeg'; quality: number };

/** The text of the default format. */
export const PNG = 'png';
/**
 * Enough that nobody sees a difference in a photo, with a fifth of the bytes of a PNG. 75, libjpeg's own default, shows blocks
 * where a blurred sky changes slowly.
 */
export const DEFAULT_QUALITY = 85;
/** The longest side that libjpeg reads and writes. The format itself allows 65 535. */
export const MAX_JPEG_SIDE_PX = 65_500;

const JPEG = /^jpeg:(\d{1,3})$/;

export const fileExtensions: Record<FormatName, string> = { png: '.png', jpeg: '.jpg' };
export const mediaTypes: Record<FormatName, string> = { png: 'image/png', jpeg: 'image/jpeg' };

/** Returns the format with this name, or null. */
export function findFormat(name: unknown): FormatName | null {
  return formatNames.find((each) => each === name) ?? null;
}

/** Returns the quality that `value` means, a number or digits from 1 to 100, or null. */
export function readQuality(value: unknown): number | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const quality = Number(value);
  return /^\d{1,3}$/.test(String(value)) && quality >= 1 && quality <= 100 ? quality : null;
}

export function formatText(format: ResultFormat): string {
  return format.name === 'png' ? PNG : `jpeg:${format.quality}`;
}

/** Returns what the text of a format says. Throws an Error for one that this release does not know. */
export function parseFormat(text: string): ResultFormat {
  if (text === PNG) return { name: 'png' };
  const quality = readQuality(JPEG.exec(text)?.[1]);
  if (quality === null) throw new Error(`there is no format ${JSON.stringify(text)}`);
  return { name: 'jpeg', quality };
}

/** Returns the request parameters that ask for a format; none for the default. */
export function formatParameters(text: string): Record<string, string | number> {
  const format = parseFormat(text);
  return format.name === 'png' ? {} : { format: format.name, quality: format.quality };
}
