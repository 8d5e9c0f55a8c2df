// Cleans up if this process is killed and cannot do it itself: a small shell that lives longer kills the
// given process and removes the folder.
import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Reads process ids; the last one counts. Its input ends when the process that started it ends. It removes
 * the folder twice, because a process that writes there may need a moment to end.
 */
const SCRIPT =
  'while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -KILL "$last"; rm -rf -- "$1"; sleep 1; rm -rf -- "$1"';

export class Guard {
  readonly #shell: ChildProcess;

  /** Guards `path`, a folder or a file that must not outlive this process. */
  constructor(path: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'tessera-guard', path], {
      cwd: process.cwd(),
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Not affected by Ctrl-C or by a closed terminal.
    });
    this.#shell.on('error', () => {}); // Without a shell there is no guard.
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?(): void }).unref?.();
  }

  /** Guards process `pid` instead of the previous one; null for none. */
  watch(pid: number | null): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** To be called when the guarded path is gone. */
  release(): void {
    this.#shell.kill('SIGKILL');
  }
}
