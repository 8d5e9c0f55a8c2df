// Which images a run blurs, and where each result goes: the folders that were given are mirrored in the output folder.
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  EARLIER_RESULT,
  findImages,
  OTHER_FORMAT,
  type SkippedFile,
} from '../functions/lib/store/find-images.ts';
import { printable } from '../functions/lib/store/names.ts';
import { outputName, outputNames } from '../functions/lib/store/output-names.ts';

/** An image of a run. */
export interface RunImage {
  /** The file as it was given, or as it was found in a folder that was given. */
  input: string;
  /** Where to read it. */
  path: string;
  /** What it is called when it is sent: no other result of the run gets the name that its result gets by it. */
  name: string;
  /** Where its result goes, in the output folder. */
  output: string;
}

export interface RunInputs {
  images: RunImage[];
  skipped: SkippedFile[];
}

/** A file, and where it is in what was given. */
interface FoundInput {
  input: string;
  path: string;
  place: string;
}

/** How many skipped files are named. */
const NAMED = 20;

/**
 * The images at `paths`; folders are searched through. Throws an Error for a path where nothing is. A file that is named
 * outright is taken whatever it is called, for what it holds decides. Skipped files are named as they are in their folder;
 * where several paths were given, with that too.
 */
export async function findInputs(paths: string[]): Promise<RunInputs> {
  const found: FoundInput[] = [];
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    if (!existsSync(path)) throw new Error(`There is no ${printable(path)}`);
    if (!statSync(path).isDirectory()) {
      found.push({ input: path, path, place: basename(path).normalize('NFC') });
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
  const places = found.map(({ place }) => place);
  const outputs = outputNames(distinct(places, (place) => place));
  const fileNames = places.map((place) => basename(place));
  const names = distinct(fileNames, outputName);
  const images = found.map(({ input, path }, at) => ({ input, path, name: names[at], output: outputs[at] }));
  return { images, skipped };
}

/**
 * "2 skipped: b.webp, c.heic", with the reason where it is another than the format, and how many results of earlier runs
 * there are. No line when there is nothing to tell.
 */
export function skippedLines(skipped: SkippedFile[]): string[] {
  const others = skipped.filter(({ reason }) => reason !== EARLIER_RESULT);
  const results = skipped.length - others.length;
  const named = others
    .slice(0, NAMED)
    .map(({ name, reason }) => (reason === OTHER_FORMAT ? name : `${name} (${reason})`));
  const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : '';
  return [
    ...(others.length > 0 ? [`${others.length} skipped: ${named.join(', ')}${more}`] : []),
    ...(results > 0 ? [`${results} results of earlier runs (*_blurred.png) left alone`] : []),
  ];
}

/**
 * `paths` in which no two are the same, nor have the same `key`, not even in upper and lower case: where a path is taken
 * already, a number comes behind its name.
 */
function distinct(paths: string[], key: (path: string) => string): string[] {
  /** Each key that is taken, with the number that its last copy got. */
  const taken = new Map<string, number>();
  const keyOf = (path: string) => key(path).toLowerCase();
  return paths.map((path) => {
    const dot = path.lastIndexOf('.');
    const end = dot > path.lastIndexOf('/') + 1 ? dot : path.length;
    let free = path;
    let copy = taken.get(keyOf(path)) ?? 1;
    while (taken.has(keyOf(free))) free = `${path.slice(0, end)}-${++copy}${path.slice(end)}`;
    taken.set(keyOf(path), copy);
    taken.set(keyOf(free), 1);
    return free;
  });
}
