// Runs the queue's Lua scripts on a Redis connection. Each call is one atomic step. After SCRIPT FLUSH or a
// restart ioredis sends the text again.
import { createHash } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { BytesCommand, sendTogether } from '../redis/bytes-command.ts';
import { scriptNames, scriptText, type ScriptName } from './script-text.ts';

/** How often a transaction is sent before its connection counts as broken. */
const MAX_TRIES = 10;

/** Read once for all parts of a process that run scripts. */
const texts = Object.fromEntries(scriptNames.map((name) => [name, scriptText(name)]));

export type ScriptArgument = string | number | Buffer;

/** Runs the scripts on one connection with one key prefix. */
export class QueueScripts {
  readonly #redis: Redis;
  readonly #prefix: string;
  /** Digests of the scripts that the server has. The next connection may lead to another server. */
  readonly #digests = new Map<ScriptName, string>();

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    redis.on('close', () => this.#digests.clear());
  }

  run(name: ScriptName, ...args: ScriptArgument[]): Promise<unknown> {
    const command = `tessera:${name}`;
    const commands = this.#redis as unknown as Record<
      string,
      (...args: ScriptArgument[]) => Promise<unknown>
    >;
    // At its first use, because ioredis then hashes the text, and a worker that starts needs few of the scripts.
    if (!(command in commands)) this.#redis.defineCommand(command, { numberOfKeys: 1, lua: texts[name] });
    return commands[command](this.#prefix, ...args);
  }

  /**
   * Sets `key` to `bytes` and runs a script, in one transaction. Redis gets the script's text once and then its digest,
   * because it hashes every text it is sent. If the server has forgotten the script, the bytes are set and nothing else
   * has happened. Such a transaction is sent again with the text. One that is cut off between its replies is sent again
   * too, as ioredis does with all commands; the scripts are idempotent.
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
        if (isForgotten(error)) this.#digests.delete(name);
        else if (!isCutOff(error)) throw error;
        if (tries === MAX_TRIES) throw error;
      }
    }
  }

  async #transact(
    key: string,
    bytes: Uint8Array,
    name: ScriptName,
    args: ScriptArgument[],
  ): Promise<unknown> {
    const text = texts[name];
    const digest = this.#digests.get(name);
    const transaction = [
      new Command('multi'),
      new BytesCommand('set', [key], bytes),
      new Command(digest ? 'evalsha' : 'eval', [digest ?? text, 1, this.#prefix, ...args]),
      new Command('exec', [], { replyEncoding: 'utf8' }),
    ];
    for (const command of transaction) command.inTransaction = true;
    const answers = (await sendTogether(this.#redis, transaction))[3] as unknown[] | null;
    if (answers === null) throw new Error('A transaction was discarded');
    for (const answer of answers) if (answer instanceof Error) throw answer;
    this.#digests.set(name, digest ?? createHash('sha1').update(text).digest('hex'));
    return answers[1];
  }
}

/** Whether a connection ended between the replies to a transaction. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Whether the server does not have the script whose digest it was sent. */
function isForgotten(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
