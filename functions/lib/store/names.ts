// What images and their folders may be called. One rule for every entrance: uploads, folder requests, the stores and the
// local tool. People's own names are kept; what is refused would be unsafe to show, to log or to write.
import { Problem } from '../errors.ts';

/** File systems take no longer name. */
export const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 2048;
const MAX_PATH_DEPTH = 32;
/** Composing shortens UTF-8 at most this much. Text that is longer still is not worth composing, which can be slow. */
const MOST_SHORTENED = 3;

const IMAGE_FILE = /\.(png|jpe?g|jfif)$/i;
export const RESULT_SUFFIX = '_blurred.png';

/**
 * Control characters and line ends, and marks that make a terminal or a browser show a name in another order than it
 * is written ("gpj.exe" for "exe.jpg").
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** What a decoder leaves where bytes were not UTF-8, and half surrogate pairs. */
const NOT_UTF8 = /[\ufffd\p{Cs}]/u;

/** Why an image or a folder cannot be called `name`, to follow "it"; null when it can. */
export function nameFault(name: string): string | null {
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) return `has ${bytes} bytes, more than ${MAX_NAME_BYTES}`;
  if (name === '') return 'is empty';
  if (name.startsWith('.')) return 'begins with a dot';
  if (name.includes('/')) return 'has a slash';
  if (UNSAFE.test(name)) return 'has a control character';
  if (NOT_UTF8.test(name)) return 'is not UTF-8';
  return null;
}

/** Why there can be no image or folder at `path`, to follow "it"; null when there can. '' is the root. */
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

/** The image's name that `text` asks for, composed (NFC). Throws Problem `invalid-name` when it cannot be kept. */
export function readName(text: string): string {
  const name = composed(text, MAX_NAME_BYTES);
  const fault = nameFault(name);
  if (fault !== null) throw unkept('name', name, fault);
  return name;
}

/** The path that `text` asks for, composed (NFC); one leading `./` and one trailing `/` say nothing. */
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

/** `name` without what is unsafe to show, for messages about names that cannot be kept. */
export function printable(name: string): string {
  return name.replaceAll(new RegExp(UNSAFE, 'gu'), '\ufffd').toWellFormed();
}

/** Whether a file is taken for an image by its name, where nobody named it outright. */
export function isImageFile(name: string): boolean {
  return IMAGE_FILE.test(name);
}

/** Whether a file is called as results are. Whether it is one, the file itself says. */
export function isResultFile(name: string): boolean {
  return name.endsWith(RESULT_SUFFIX);
}

/** The name without what says that it is an image: `cats/tom.jpg` becomes `cats/tom`. */
export function withoutExtension(name: string): string {
  return name.replace(IMAGE_FILE, '');
}

function composed(text: string, maxBytes: number): string {
  return Buffer.byteLength(text) > maxBytes * MOST_SHORTENED ? text : text.normalize('NFC');
}

function unkept(what: 'name' | 'path', value: string, fault: string): Problem {
  return new Problem('invalid-name', `The ${what} cannot be used, it ${fault}: ${JSON.stringify(value)}`);
}
