// The queue's Lua scripts as methods of a Redis connection. Each call is one atomic step; after SCRIPT FLUSH or a
// restart ioredis sends the text again.
import { readFileSync } from 'node:fs';
import { Command, type Redis } from 'ioredis';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';

/** Every script, by the name of its file. */
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
  'finish',
  'cancel',
  'forget',
  'sweep',
  'newest',
  'requeue',
  'naive-ack',
] as const;

export type ScriptName = (typeof scriptNames)[number];
/** Times a transaction is sent before its connection is given up. */
const MAX_TRIES = 10;

export type ScriptArgument = string | number | Buffer;

/**
 * The text of a script as Redis gets it: its own first line (the shebang must stay first), then shared.lua and what else
 * the script says it uses, then the rest. `readLua` reads a file of this folder.
 */
export function scriptText(name: ScriptName, readLua: (file: string) => string = readLuaFile): string {
  const own = readLua(`${name}.lua`);
  const firstLineEnd = own.indexOf('\n') + 1;
  const used = /^-- Uses: (.*)$/m.exec(own)?.[1].split(', ') ?? [];
  const shared = ['shared.lua', ...used].map((file) => readLua(file));
  return [own.slice(0, firstLineEnd), ...shared, own.slice(firstLineEnd)].join('');
}

/** Runs the scripts on one connection under one key prefix. */
export class QueueScripts {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #texts = Object.fromEntries(scriptNames.map((name) => [name, scriptText(name)]));

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    for (const name of scriptNames) {
      redis.defineCommand(commandName(name), { numberOfKeys: 1, lua: this.#texts[name] });
    }
  }

  /** Runs a script. */
  run(name: ScriptName, ...args: ScriptArgument[]): Promise<unknown> {
    const commands = this.#redis as unknown as Record<
      string,
      (...args: ScriptArgument[]) => Promise<unknown>
    >;
    return commands[commandName(name)](this.#prefix, ...args);
  }

  /**
   * Sets `key` to `bytes` and runs a script, as one transaction. The script goes as its whole text: a digest the server
   * has forgotten would fail after the bytes were set. A transaction cut off halfway through its replies is sent again,
   * as ioredis does with everything else; the scripts take that.
   */
  async runAfterSet(
    key: string,
    bytes: Uint8Array,
    name: ScriptName,
    ...args: ScriptArgument[]
  ): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#transact(key, bytes, name, args);
      } catch (error) {
        const isCutOff = error instanceof Error && error.name === 'AbortError';
        if (!isCutOff || tries === MAX_TRIES) throw error;
      }
    }
  }

  async #transact(
    key: string,
    bytes: Uint8Array,
    name: ScriptName,
    args: ScriptArgument[],
  ): Promise<unknown> {
    const transaction = [
      new Command('multi'),
      new BytesCommand('set', [key], bytes),
      new Command('eval', [this.#texts[name], 1, this.#prefix, ...args]),
      new Command('exec', [], { replyEncoding: 'utf8' }),
    ];
    for (const command of transaction) command.inTransaction = true;
    const answers = (await sendTogether(this.#redis, transaction))[3] as unknown[] | null;
    if (answers === null) throw new Error('A transaction was discarded');
    for (const answer of answers) if (answer instanceof Error) throw answer;
    return answers[1];
  }
}

function commandName(name: ScriptName): string {
  return `tessera:${name}`;
}

function readLuaFile(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
