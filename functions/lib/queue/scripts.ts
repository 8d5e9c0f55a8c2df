// Runs the queue's Lua scripts on a Redis connection. Each call is one atomic step. After SCRIPT FLUSH or a
// restart ioredis sends the text again.
import { Command, type Redis } from 'ioredis';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';
import { scriptNames, scriptText, type ScriptName } from './script-text.ts';

/** How often a transaction is sent before its connection counts as broken. */
const MAX_TRIES = 10;

export type ScriptArgument = string | number | Buffer;

/** Runs the scripts on one connection with one key prefix. */
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

  run(name: ScriptName, ...args: ScriptArgument[]): Promise<unknown> {
    const commands = this.#redis as unknown as Record<
      string,
      (...args: ScriptArgument[]) => Promise<unknown>
    >;
    return commands[commandName(name)](this.#prefix, ...args);
  }

  /**
   * Sets `key` to `bytes` and runs a script, in one transaction. It sends the script's whole text, because a
   * digest that the server has forgotten would fail after the bytes were set. A transaction that is cut off
   * between its replies is sent again, as ioredis does with all commands; the scripts are idempotent.
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
