// A copy of the queue and its tests in a separate folder, where faults can be planted without touching the
// repository.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plant, type Mutant } from './mutant.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const queueFolder = 'functions/lib/queue';
/** What the queue's tests need, by folder. */
const copied = [
  'functions/lib',
  'functions/testing',
  'chaos',
  'local',
  'scripts/lib',
  'test/queue',
  'test/support',
  'package.json',
];
const modelTest = 'test/queue/model.test.ts';

/** Limit for a test run that hangs; the tests themselves give up long before. */
const MAX_MS = 300_000;

/** `examples`: one promise per test. `model`: random histories. Each suite is selected by arguments for vitest. */
export const suites = { examples: ['--exclude', modelTest], model: [modelTest], all: [] } as const;
export type Suite = keyof typeof suites;

export interface Failure {
  /** The first test that failed: its file and its title. */
  test: string;
  message: string;
}

interface VitestReport {
  testResults: {
    name: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

export class Workbench {
  readonly #folder: string;
  readonly #stop: AbortSignal;

  private constructor(folder: string, stop: AbortSignal) {
    this.#folder = folder;
    this.#stop = stop;
  }

  /** Copies what is needed. When `stop` is aborted, running tests are ended and fail. */
  static async open(stop: AbortSignal): Promise<Workbench> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-mutants-'));
    for (const path of copied) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await cp(join(root, path), join(folder, path), { recursive: true });
    }
    await mkdir(join(folder, 'tmp'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await cp(new URL('vitest.config.ts', import.meta.url), join(folder, 'vitest.config.ts'));
    return new Workbench(folder, stop);
  }

  /** Runs `work` with the fault in place, and restores the copy afterwards. Throws if the fault does not apply. */
  async withPlanted<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, queueFolder, mutant.file);
    const original = await readFile(path, 'utf8');
    await writeFile(path, plant(mutant, original));
    try {
      return await work();
    } finally {
      await writeFile(path, original);
    }
  }

  /** Runs the tests up to the first failure. Returns null if there is none. Throws if they cannot run. */
  async test(suite: Suite): Promise<Failure | null> {
    const report = join(this.#folder, 'report.json');
    await rm(report, { force: true });
    const output = await this.#vitest([...suites[suite], '--reporter=json', `--outputFile=${report}`]);
    const text = await readFile(report, 'utf8').catch((cause: unknown) => {
      throw new Error(`The tests did not run:\n${output}`, { cause });
    });
    return firstFailure(JSON.parse(text) as VitestReport, this.#folder);
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Returns vitest's output, whether tests failed or not. */
  async #vitest(args: string[]): Promise<string> {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--root', this.#folder, ...args], {
      cwd: this.#folder,
      env: { ...process.env, TMPDIR: join(this.#folder, 'tmp'), MODEL_SHRINK: 'off' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MAX_MS,
      signal: this.#stop,
      killSignal: 'SIGINT', // Lets vitest stop the Redis that it has started.
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += error.message));
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once('close', () => resolve());
    await promise;
    return output;
  }
}

/** Returns the first failure in a report. A file that could not run counts too, with the reason as its message. */
function firstFailure({ testResults }: VitestReport, folder: string): Failure | null {
  for (const { name, message, assertionResults } of testResults) {
    const file = name.replace(`${folder}/test/queue/`, '');
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed) return { test: `${file}: ${failed.fullName}`, message: failed.failureMessages.join('\n') };
    if (message) return { test: file, message };
  }
  return null;
}
