// Which Redis commands a queue script may call on any path: an access list must allow them all.
import { scriptText, type ScriptName } from '../../functions/lib/queue/script-text.ts';

const HELPER = /^local function (\w+)\b[\s\S]*?^end$/gm;
const CALL = /redis\.p?call\(\s*'(\w+)'/g;
const ANY_CALL = /redis\.p?call\(/g;

/** Returns the commands in lower case, including those of the helpers that the script uses. */
export function commandsOfScript(name: ScriptName): Set<string> {
  const text = scriptText(name).replaceAll(/--.*$/gm, '');
  const helpers = new Map([...text.matchAll(HELPER)].map(([body, helper]) => [helper, body]));
  const commands = new Set<string>();
  const read = (code: string) => {
    const calls = [...code.matchAll(CALL)];
    if (calls.length < [...code.matchAll(ANY_CALL)].length) {
      throw new Error(`${name}.lua calls a command that is not a literal`);
    }
    for (const [, command] of calls) commands.add(command.toLowerCase());
    for (const [helper, body] of helpers) {
      if (new RegExp(`\\b${helper}\\(`).test(code) && helpers.delete(helper)) read(body);
    }
  };
  read(text.replaceAll(HELPER, ''));
  return commands;
}
