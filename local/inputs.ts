// Finds the images of a run, and where each result goes. Given folders are mirrored in the output folder.
import { existsSync, statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { DEFAULT_FILTER, type FilterName } from '../functions/lib/filters/registry.ts';
import type { FormatName } from '../functions/lib/image/format.ts';
import { findImages, OTHER_FORMAT, type SkippedFile } from '../functions/lib/store/find-images.ts';
import { printable } from '../functions/lib/store/names.ts';
import { outputNames, uploadNames } from '../functions/lib/store/output-names.ts';

/** An image of a run. */
export interface RunImage {
  /** The file as it was given, or as it was found in a given folder. */
  input: string;
  /** The path to read it from. */
  path: string;
  /** Its name for the upload. No two results of a run get the same name. */
  name: string;
  /** The path of its result inside the output folder. */
  output: string;
}

export interface RunInputs {
  images: RunImage[];
  skipped: SkippedFile[];
}

/** A file, and its place inside what was given. */
interface FoundInput {
  input: string;
  path: string;
  place: string;
}

/** How many skipped files are listed. */
const NAMED = 20;

/**
 * Returns the images at `paths`; folders are searched. Throws an Error for a path that does not exist. A file
 * that is named explicitly is accepted whatever its name, because its content decides. Skipped files are
 * listed by their path in the folder; if several paths were given, the folder comes first. A file that is
 * given twice is used once.
 */
export async function findInputs(
  paths: string[],
  filter: FilterName = DEFAULT_FILTER,
  format: FormatName = 'png',
): Promise<RunInputs> {
  const found: FoundInput[] = [];
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    if (!existsSync(path)) throw new Error(`There is no ${printable(path)}`);
    if (!statSync(path).isDirectory()) {
      found.push({ input: normalize(path), path, place: basename(path).normalize('NFC') });
      continue;
    }
    const inFolder = await findImages(path, null);
    for (const image of inFolder.images) {
      found.push({ input: join(path, image.name), path: image.path, place: image.name });
    }
    for (const { name, reason } of inFolder.skipped) {
      skipped.push({ name: paths.length > 1 ? printable(join(path, name)) : name, reason });
    }
  }
  const once = [...new Map(found.map((each) => [each.input, each])).values()];
  const places = once.map(({ place }) => place);
  const inputs = once.map(({ input }) => input);
  const outputs = outputNames(places, inputs, filter, format);
  const fileNames = places.map((place) => basename(place));
  const names = uploadNames(fileNames, inputs, filter, format);
  const images = once.map(({ input, path }, at) => ({ input, path, name: names[at], output: outputs[at] }));
  return { images, skipped };
}

/**
 * Returns "2 skipped: b.webp, c.heic", with the reason unless it is the format. Returns no line if there is
 * nothing to report.
 */
export function skippedLines(skipped: SkippedFile[]): string[] {
  if (skipped.length === 0) return [];
  const named = skipped
    .slice(0, NAMED)
    .map(({ name, reason }) => (reason === OTHER_FORMAT ? name : `${name} (${reason})`));
  const more = skipped.length > NAMED ? ` and ${skipped.length - NAMED} more` : '';
  return [`${skipped.length} skipped: ${named.join(', ')}${more}`];
}
