// Recognises the step of the queue that a command is.
import { createHash } from 'node:crypto';
import { scriptNames, scriptText, type ScriptName } from '../functions/lib/queue/script-text.ts';
import { textOf, type Frame, type RespValue } from './resp.ts';

/** A script of the queue, or a plain command in lower case (`get` fetches a tile's source). */
export type Step = ScriptName | (string & {});

const LONGEST_WORD = 1024;
const scriptsByText = new Map<string, ScriptName>(scriptNames.map((name) => [scriptText(name), name]));
const scriptsByDigest = new Map<string, ScriptName>(
  scriptNames.map((name) => [createHash('sha1').update(scriptText(name)).digest('hex'), name]),
);

/** Returns the words of a command, its name in lower case. Pixels are left out. */
export function wordsOf({ value }: Frame): string[] {
  const words = Array.isArray(value) ? value : [value];
  const [name, ...args] = words.map((word) => (isPixels(word) ? '' : textOf(word)));
  return [name.toLowerCase(), ...args];
}

/** Returns whether a word is longer than others are, and not a script. */
function isPixels(word: RespValue): boolean {
  return Buffer.isBuffer(word) && word.length > LONGEST_WORD && word.toString('latin1', 0, 2) !== '#!';
}

/** Returns the step of a command, with its arguments. */
export function stepOf(command: string, args: string[]): { step: Step; words: string[]; isScript: boolean } {
  const script =
    command === 'evalsha'
      ? scriptsByDigest.get(args[0])
      : command === 'eval'
        ? scriptsByText.get(args[0])
        : undefined;
  // A script's arguments follow its text or digest, the number of its keys and the one key.
  return script
    ? { step: script, words: args.slice(3), isScript: true }
    : { step: command, words: args, isScript: false };
}
