// Cleans up after this process when it cannot do so itself, because it was killed: a small shell that outlives it ends
// the process it was told of and removes the folder.
import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Reads process ids, of which the last one counts. Its input ends when the process that started it does. It removes the
 * folder twice, because whoever wrote there may need a moment to end.
 */
const SCRIPT =
  'while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -KILL "$last"; rm -rf -- "$1"; sleep 1; rm -rf -- "$1"';

export class Guard {
  readonly #shell: ChildProcess;

  /** Guards `path`, a folder or a file that is not there without this process. */
  constructor(path: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'tessera-guard', path], {
      cwd: process.cwd(),
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Out of reach of a Ctrl-C and of a terminal that closes.
    });
    this.#shell.on('error', () => {}); // Without a shell it goes as it went before.
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?(): void }).unref?.();
  }

  /** From now on guards process `pid` too, in place of the one before; null for none. */
  watch(pid: number | null): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** What it guarded is gone. */
  release(): void {
    this.#shell.kill('SIGKILL');
  }
}
