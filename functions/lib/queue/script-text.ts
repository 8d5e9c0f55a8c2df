// The texts of the queue's Lua scripts, which are in this folder.
import { readFileSync } from 'node:fs';

/** Every script, by file name. */
export const scriptNames = [
  'begin',
  'enqueue',
  'claim',
  'extend',
  'ack',
  'fail',
  'release',
  'due',
  'note-fault',
  'next-notice',
  'retry-notice',
  'close-notice',
  'finish',
  'cancel',
  'forget',
  'sweep',
  'newest',
  'requeue',
  'put-part',
  'take-blob',
  'drop-result',
  'make-room',
  'wait-for-room',
  'counts',
  'tile-map',
  'beat',
  'workers',
  'measures',
  'naive-ack',
] as const;

export type ScriptName = (typeof scriptNames)[number];
/**
 * Returns the text of a script as Redis gets it: its own first line (the shebang must stay first), then
 * shared.lua and the other files that the script uses, then the rest. `readLua` reads a file of this folder.
 */
export function scriptText(name: ScriptName, readLua: (file: string) => string = readLuaFile): string {
  const own = readLua(`${name}.lua`);
  const firstLineEnd = own.indexOf('\n') + 1;
  const used = /^-- Uses: (.*)$/m.exec(own)?.[1].split(', ') ?? [];
  const shared = ['shared.lua', ...used].map((file) => readLua(file));
  return [own.slice(0, firstLineEnd), ...shared, own.slice(firstLineEnd)].join('');
}

/** The files read so far. Most scripts share some. */
const files = new Map<string, string>();

function readLuaFile(file: string): string {
  const text = files.get(file) ?? readFileSync(new URL(file, import.meta.url), 'utf8');
  files.set(file, text);
  return text;
}
