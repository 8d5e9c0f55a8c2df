// One function as a process of its own, started from its bundle and fed over HTTP like any other server.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const START_MS = 20_000;
const READY_EVERY_MS = 5;

export type FunctionName = 'split' | 'blur' | 'assemble';

/** As in the manifests: a small young generation keeps a worker under 150 MB. */
const nodeFlags: Record<FunctionName, string[]> = {
  split: [],
  blur: ['--max-semi-space-size=2'],
  assemble: [],
};

export interface ProcessOptions {
  /** Settings beyond those of this process. */
  env: Record<string, string>;
  /** Receives every line the function logs. */
  onLog?: (line: string) => void;
}

export class FunctionProcess {
  readonly name: FunctionName;
  readonly #child: ChildProcess;
  readonly #listening = Promise.withResolvers<number>();
  isListening = false;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;

  /** Spawns the function; see {@link ready}. */
  constructor(name: FunctionName, { env, onLog }: ProcessOptions) {
    this.name = name;
    const main = join(root, 'dist', name, 'main.js');
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first`);
    this.#child = spawn(process.execPath, [...nodeFlags[name], main], {
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      detached: true, // A Ctrl-C is the runner's to pass on, in its own order.
    });
    this.exited = once(this.#child, 'exit').then(() => {
      this.#listening.reject(new Error(`${name} ended (${this.#child.exitCode ?? this.#child.signalCode})`));
    });
    this.#listening.promise.catch(() => {}); // Whoever waits for it hears of it.
    if (this.#child.stderr) {
      createInterface({ input: this.#child.stderr }).on('line', (line) => onLog?.(line));
    }
    this.#child.on('message', ({ listeningPort }: { listeningPort: number }) => {
      this.isListening = true;
      this.#listening.resolve(listeningPort);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} could not be spawned`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended: its exit status, or the signal that ended it; null while it runs. */
  get end(): number | NodeJS.Signals | null {
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** The function's URL, once it listens. Rejects when it ends before, or takes too long. */
  async ready(): Promise<string> {
    const tooLong = setTimeout(
      () => this.#listening.reject(new Error(`${this.name} does not listen after ${START_MS} ms`)),
      START_MS,
    );
    try {
      return `http://127.0.0.1:${await this.#listening.promise}`;
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** The function's URL, once it has its Redis too and can serve; before that it answers 503. */
  async healthy(): Promise<string> {
    const url = await this.ready();
    const deadline = Date.now() + START_MS;
    while (!(await fetch(`${url}/health/ready`)).ok) {
      if (Date.now() > deadline) throw new Error(`${this.name} is not ready after ${START_MS} ms`);
      await sleep(READY_EVERY_MS);
    }
    return url;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the process to stop, ends it if it has not after `graceMs`, and resolves when it is gone. */
  async stop(graceMs = 10_000): Promise<void> {
    this.signal('SIGTERM');
    const overdue = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(overdue);
  }
}
