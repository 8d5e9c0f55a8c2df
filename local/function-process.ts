// One function as a process, started from its bundle and called over HTTP.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../functions/lib/service/node-http.ts';
import { CommandError } from '../scripts/lib/options.ts';
import { shortLogLine } from './log-lines.ts';
import { packageRoot } from './package-root.ts';

const START_MS = 12_000;
const READY_EVERY_MS = 5;

export type FunctionName = 'split' | 'blur' | 'assemble';

/** As in the manifests: a small young generation keeps a worker under 150 MB. */
const nodeFlags: Record<FunctionName, string[]> = {
  split: [],
  blur: ['--max-semi-space-size=2'],
  assemble: [],
};

export interface ProcessOptions {
  /** Settings in addition to those of this process. */
  env: Record<string, string>;
  /** Receives every line the function prints. */
  onLog?: (line: string) => void;
}

/** How much of the last line of an ended function is shown. */
const LAST_WORDS = 300;

export class FunctionProcess {
  readonly name: FunctionName;
  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<number>();
  #lastLine = '';
  isListening = false;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;

  /** Spawns the function; see {@link ready}. */
  constructor(name: FunctionName, { env, onLog }: ProcessOptions) {
    this.name = name;
    const main = join(packageRoot, 'dist', name, 'main.js');
    if (!existsSync(main)) throw new CommandError(`${main} is missing: run "npm run build" first`);
    this.#child = spawn(process.execPath, [...nodeFlags[name], main], {
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // Ctrl-C goes to the runner, which stops the processes in order.
    });
    const failed = once(this.#child, 'error').then(([error]) => (this.#lastLine = (error as Error).message));
    this.exited = Promise.race([once(this.#child, 'close'), failed]).then(() => {
      this.#listening.reject(new CommandError(this.howItEnded));
    });
    this.#listening.promise.catch(() => {}); // Callers of `ready` get the error.
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      if (!input) continue;
      createInterface({ input }).on('line', (line) => {
        this.#lastLine = line;
        onLog?.(line);
      });
    }
    this.#child.on('message', ({ listeningPort }: { listeningPort: number }) => {
      this.isListening = true;
      this.#listening.resolve(listeningPort);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new CommandError(`${this.name} could not be spawned`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended: its exit status, or the signal that ended it; null while it runs. */
  get end(): number | NodeJS.Signals | null {
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** A message that says how it ended, with its last line. */
  get howItEnded(): string {
    const said = shortLogLine(this.#lastLine).slice(0, LAST_WORDS);
    return `${this.name} ended (${this.end ?? 'it never ran'})${said && `: ${said}`}`;
  }

  /** Returns the function's URL when it listens. Rejects if it ends before, or takes too long. */
  async ready(): Promise<string> {
    const tooLong = setTimeout(
      () => this.#listening.reject(new CommandError(`${this.name} does not listen after ${START_MS} ms`)),
      START_MS,
    );
    try {
      return `http://127.0.0.1:${await this.#listening.promise}`;
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** Returns the function's URL when it also has Redis and can serve; before that it answers 503. */
  async healthy(): Promise<string> {
    const url = await this.ready();
    const deadline = Date.now() + START_MS;
    while (!(await isReady(url))) {
      if (!this.isRunning) throw new CommandError(this.howItEnded);
      if (Date.now() > deadline) throw new CommandError(`${this.name} is not ready after ${START_MS} ms`);
      await sleep(READY_EVERY_MS);
    }
    return url;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the process to stop, kills it if it has not stopped after `graceMs`, and resolves when it has ended. */
  async stop(graceMs = 10_000): Promise<void> {
    this.signal('SIGTERM');
    const overdue = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(overdue);
  }
}

/** Returns whether the function at `url` can serve now. */
export async function isReady(url: string, timeoutMs = START_MS): Promise<boolean> {
  const asking = request(`${url}/health/ready`, { signal: AbortSignal.timeout(timeoutMs) });
  const answer = once(asking, 'response') as Promise<[IncomingMessage]>;
  asking.on('error', () => {}).end(); // Reported by `answer`; after the response it does not matter.
  return answer.then(
    ([response]) => response.resume().statusCode === 200,
    () => false,
  );
}
