// Talks to Redis in its pod through one redis-cli that keeps running. A command takes one round trip, and no
// password leaves the pod.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { redisCliInPod, withoutLog } from '../scripts/lib/kubectl.ts';
import { CannotRun, type RedisCall } from './target.ts';

/** Printed after each reply. */
const END = 'tessera-end-of-reply';
/** What redis-cli prints for an error. The name of an image must not look like one. */
const ERROR =
  /^(ERR|NOAUTH|NOPERM|WRONGPASS|WRONGTYPE|LOADING|READONLY|MISCONF|BUSY|OOM|Error:|Could not connect) /;
const REPLY_MS = 30_000;

interface Waiting {
  lines: string[];
  reply: PromiseWithResolvers<string[]>;
}

export class RedisCli {
  readonly #child: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #said = '';
  #fault: Error | null = null;

  constructor(namespace: string) {
    const args = ['--namespace', namespace, 'exec', '--stdin', ...redisCliInPod];
    // In its own process group, so that Ctrl-C does not end it before the writes are released.
    this.#child = spawn('kubectl', args, { detached: true, stdio: 'pipe' });
    const { stdin, stdout, stderr } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#take(line));
    stderr?.on('data', (text: Buffer) => (this.#said += text.toString()));
    stdin?.on('error', () => {}); // The end of the process reports the reason.
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('close', () => this.#fail(withoutLog(this.#said) || 'its connection ended'));
  }

  /** Throws {@link CannotRun} if Redis refuses the command or cannot be reached. */
  readonly call: RedisCall = async (...words) => {
    if (this.#fault) throw this.#fault;
    const reply = Promise.withResolvers<string[]>();
    this.#waiting.push({ lines: [], reply });
    this.#child.stdin?.write(`${words.map((word) => JSON.stringify(String(word))).join(' ')}\nECHO ${END}\n`);
    const timer = setTimeout(() => this.#fail(`no reply within ${REPLY_MS / 1000} s`), REPLY_MS);
    try {
      const lines = await reply.promise;
      if (ERROR.test(lines[0] ?? '')) throw new CannotRun(`Redis answered: ${lines[0]}`);
      return lines;
    } finally {
      clearTimeout(timer);
    }
  };

  close(): void {
    this.#child.stdin?.end();
  }

  #take(line: string): void {
    const [first] = this.#waiting;
    if (!first) return;
    if (line !== END) first.lines.push(line);
    else this.#waiting.shift()?.reply.resolve(first.lines);
  }

  #fail(why: string): void {
    this.#fault ??= new CannotRun(`Redis in its pod cannot be reached: ${why}`);
    for (const { reply } of this.#waiting.splice(0)) reply.reject(this.#fault);
  }
}
