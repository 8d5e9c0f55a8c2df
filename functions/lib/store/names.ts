// The rule for names of images and folders: for uploads, folder requests, the stores and the local tool.
// Names are kept as they are. Only names that are unsafe to show, to log or to write are refused.
import { Problem } from '../errors.ts';
import { filterNames, type FilterName } from '../filters/registry.ts';
import { fileExtensions, formatNames, type FormatName } from '../image/format.ts';

/** The limit of file systems. */
export const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 2048;
const MAX_PATH_DEPTH = 32;
/** Normalising shortens UTF-8 by at most this factor. Longer text is not normalised, because that can be slow. */
const MOST_SHORTENED = 3;

const IMAGE_FILE = /\.(png|jpe?g|jfif)$/i;

/**
 * Control characters and line ends, and marks that make a terminal or a browser show the characters in
 * another order ("gpj.exe" for "exe.jpg").
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** The character that a decoder puts in place of invalid UTF-8, and half surrogate pairs. */
const NOT_UTF8 = /[\ufffd\p{Cs}]/u;

/** Returns why an image or a folder cannot have this name, as words to follow "it", or null if it can. */
function nameFault(name: string): string | null {
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) return `has ${bytes} bytes, more than ${MAX_NAME_BYTES}`;
  if (name === '') return 'is empty';
  if (name.startsWith('.')) return 'begins with a dot';
  if (name.includes('/')) return 'has a slash';
  if (UNSAFE.test(name)) return 'has a control character';
  if (NOT_UTF8.test(name)) return 'is not UTF-8';
  return null;
}

/**
 * Returns why there can be no image or folder at `path`, as words to follow "it", or null if there can. '' is
 * the root.
 */
export function pathFault(path: string): string | null {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) return `has ${bytes} bytes, more than ${MAX_PATH_BYTES}`;
  if (path === '') return null;
  const names = path.split('/');
  if (names.length > MAX_PATH_DEPTH) return `is ${names.length} folders deep, more than ${MAX_PATH_DEPTH}`;
  const faults = names.map(nameFault);
  const at = faults.findIndex((fault) => fault !== null);
  return at === -1 ? null : names.length === 1 ? faults[at] : `has a part that ${faults[at]}`;
}

/** Returns the image name in `text`, normalised (NFC). Throws Problem `invalid-name` if it is not allowed. */
export function readName(text: string): string {
  const name = composed(text, MAX_NAME_BYTES);
  const fault = nameFault(name);
  if (fault !== null) throw unkept('name', name, fault);
  return name;
}

/**
 * Returns the path in `text`, normalised (NFC), without one leading `./` and one trailing `/`. Throws Problem
 * `invalid-name` if it is not allowed.
 */
export function readPath(text: string): string {
  const path = composed(text, MAX_PATH_BYTES);
  const bare = path.slice(path.startsWith('./') ? 2 : 0, path.endsWith('/') ? -1 : undefined);
  if (bare === '') throw unkept('path', path, 'is empty');
  assertPath(bare);
  return bare;
}

/** Throws Problem `invalid-name` unless there may be an image or folder at `path`. '' is allowed. */
export function assertPath(path: string): void {
  const fault = pathFault(path);
  if (fault !== null) throw unkept('path', path, fault);
}

/** Returns `name` without unsafe characters, for messages about names that are refused. */
export function printable(name: string): string {
  return name.replaceAll(new RegExp(UNSAFE, 'gu'), '\ufffd').toWellFormed();
}

/** Returns whether a file counts as an image by its name, if nobody named it explicitly. */
export function isImageFile(name: string): boolean {
  return IMAGE_FILE.test(name);
}

/**
 * Returns how the names of a filter's results end. Blurred images keep the name they had before there were other filters.
 */
export function resultSuffix(filter: FilterName, format: FormatName): string {
  return `_${filter === 'blur' ? 'blurred' : filter}${fileExtensions[format]}`;
}

const RESULT_SUFFIXES = filterNames.flatMap((filter) =>
  formatNames.map((format) => resultSuffix(filter, format)),
);

/** Returns whether a file has the name of a result. Only its content says whether it is one. */
export function isResultFile(name: string): boolean {
  return RESULT_SUFFIXES.some((suffix) => name.endsWith(suffix));
}

/** Returns the name without an image extension: `cats/tom.jpg` becomes `cats/tom`. */
export function withoutExtension(name: string): string {
  return name.replace(IMAGE_FILE, '');
}

function composed(text: string, maxBytes: number): string {
  return Buffer.byteLength(text) > maxBytes * MOST_SHORTENED ? text : text.normalize('NFC');
}

function unkept(what: 'name' | 'path', value: string, fault: string): Problem {
  return new Problem(
    'invalid-name',
    `The ${what} cannot be used because it ${fault}: ${JSON.stringify(value)}`,
  );
}
