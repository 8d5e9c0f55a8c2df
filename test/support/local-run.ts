// Runs `npm start` as real processes, each with its own temporary folders, so that tests can find what it leaves behind.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { until } from '../../functions/testing/until.ts';

const root = join(import.meta.dirname, '../..');
const START = join(root, 'scripts/start.mjs');

export interface Ended {
  status: number | NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export class LocalRun {
  readonly child: ChildProcess;
  readonly #place: RunPlace;
  readonly ended: Promise<Ended>;
  printed = '';

  constructor(place: RunPlace, child: ChildProcess) {
    this.#place = place;
    this.child = child;
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
        this.printed += text;
      });
    }
    this.ended = once(child, 'close').then(() => ({ status: child.exitCode ?? child.signalCode, ...said }));
  }

  /** Resolves with the match once `pattern` was printed. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`${String(pattern)} in what it prints`, () => pattern.exec(this.printed));
  }

  /** Returns the pids of the run's processes whose command line contains `text`. */
  pidsOf(text: string): number[] {
    const found = this.#place.processes();
    return found.filter(({ command }) => command.includes(text)).map(({ pid }) => pid);
  }
}

interface RunningProcess {
  pid: number;
  command: string;
}

/** A folder for runs: everything that they write is in it, `TMPDIR` included. */
export class RunPlace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<RunPlace> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'tessera-place-')));
    await mkdir(join(folder, 'tmp'));
    return new RunPlace(folder);
  }

  /** Returns a path in the folder. */
  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  get env(): NodeJS.ProcessEnv {
    const { npm_lifecycle_event: _, ...env } = process.env;
    return { ...env, TMPDIR: join(this.folder, 'tmp'), XDG_RUNTIME_DIR: '' };
  }

  /** Runs scripts/start.mjs. */
  start(...args: string[]): LocalRun {
    return this.run(process.execPath, [START, ...args]);
  }

  /** Runs a command in its own process group. */
  run(command: string, args: string[], env: NodeJS.ProcessEnv = {}, cwd = this.folder): LocalRun {
    const options = { cwd, env: { ...this.env, ...env }, detached: true };
    return new LocalRun(this, spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Returns the processes that were started for runs in this folder. */
  processes(): RunningProcess[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    return pids.map((pid) => describe(Number(pid), this.folder)).filter((each) => each !== null);
  }

  /** Returns what runs left behind: processes, temporary files, and unfinished results in `out`. */
  async leftovers(out: string): Promise<string[]> {
    const names = async (folder: string) =>
      readdir(join(this.folder, folder), { recursive: true }).catch(() => []);
    const inOut = (await names(out)).filter((name) => name.includes('.tessera-'));
    const inTmp = (await names('tmp')).filter((name) => /redis|serve-/.test(name));
    return [...this.processes().map(({ pid, command }) => `${pid} ${command}`), ...inOut, ...inTmp];
  }

  /** Resolves once nothing is left of the runs. */
  async isClean(out: string): Promise<void> {
    let left: string[] = [];
    await until('nothing to be left', async () => (left = await this.leftovers(out)).length === 0).catch(
      () => {
        throw new Error(`left behind:\n${left.join('\n')}`);
      },
    );
  }

  /** Ends what still runs, after a test that failed, and removes the folder. */
  async remove(): Promise<void> {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Returns a process if its command line, its environment or its working folder contains `mark` (Redis overwrites the
 * first two), and null if not, or if the process is gone.
 */
function describe(pid: number, mark: string): RunningProcess | null {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    const texts = [command, readFileSync(`/proc/${pid}/environ`, 'latin1'), readlinkSync(`/proc/${pid}/cwd`)];
    if (!texts.some((text) => text.includes(mark))) return null;
    return { pid, command: command.replaceAll('\0', ' ').trim() };
  } catch {
    return null; // It is gone, or belongs to another user.
  }
}

/** A test with its own folder, so that it can run at the same time as others. */
export const testInPlace = test.extend<{ place: RunPlace }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the requested fixtures from it
  place: async ({}, use) => {
    const place = await RunPlace.make();
    await use(place);
    await place.remove();
  },
});
