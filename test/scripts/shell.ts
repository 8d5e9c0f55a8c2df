// Runs a script of scripts/ with fakes for the tools that would reach a cluster, and records their calls.
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a fake answers a call that matches `call`, an extended regular expression for the whole command line. */
export interface Rule {
  call: string;
  /** Only after a call that matches this one, because a script's actions change what it sees. */
  after?: string;
  stdout?: string;
  stderr?: string;
  exit?: number;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** The calls of the fakes, each as one command line, in order. */
  calls: string[];
  /** The standard input of the last call that reads it. */
  sent: string;
  /** The folder with the fakes' notes; `applied` in it is the overlay that was applied. */
  folder: string;
}

export interface Shell {
  run: (script: string, args?: string[], rules?: Rule[], env?: Record<string, string>) => Promise<Outcome>;
  /** Calls a fake directly. */
  call: (tool: string, args: string[]) => Promise<Outcome>;
  /** Removes everything that the runs left. */
  clean: () => Promise<void>;
}

/** Tools of the system that the scripts call. Only these and the fakes can be found. */
const systemTools = [
  'awk',
  'bash',
  'cat',
  'cksum',
  'cp',
  'curl',
  'cut',
  'dirname',
  'find',
  'grep',
  'head',
  'jq',
  'ls',
].concat([
  'mkdir',
  'mktemp',
  'mv',
  'basename',
  'paste',
  'rm',
  'sed',
  'sh',
  'sha256sum',
  'sleep',
  'sort',
  'tail',
  'tee',
  'tr',
  'wc',
]);

/**
 * A place to run scripts in, with fakes for `tools`. `recorded`: tools that really run and whose calls are
 * recorded.
 */
export async function openShell(tools: string[], recorded: string[] = []): Promise<Shell> {
  const bin = await mkdtemp(join(tmpdir(), 'tessera-bin-'));
  const folders = [bin];
  const standIn = fileURLToPath(new URL('stand-in.sh', import.meta.url));
  const bash = await which('bash'); // not `env bash`, which would be one more start for each call
  for (const tool of tools) {
    await writeFile(join(bin, tool), `#!${bash}\nsource '${standIn}' ${tool} "$@"\n`);
    await chmod(join(bin, tool), 0o755);
  }
  for (const tool of systemTools) {
    const path = await which(tool);
    if (path === undefined || tools.includes(tool)) continue;
    if (recorded.includes(tool)) await writeRecorder(join(bin, tool), tool, path);
    else await symlink(path, join(bin, tool));
  }

  const run: Shell['run'] = (script, args, rules, env) =>
    execute(join(root, 'scripts', script), args, rules, env);

  async function execute(
    file: string,
    args: string[] = [],
    rules: Rule[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-calls-'));
    folders.push(folder);
    await writeFile(join(folder, 'calls'), '');
    await writeFile(join(folder, 'rules'), asFields(rules));
    const result = await new Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>>((resolve) => {
      const { NODE_COMPILE_CACHE } = process.env; // Some scripts start Node.
      // A pipeline that runs on this machine leaves a note in XDG_RUNTIME_DIR, which the scripts would follow.
      const own = {
        PATH: bin,
        HOME: folder,
        XDG_RUNTIME_DIR: folder,
        STAND_IN_FOLDER: folder,
        NODE_COMPILE_CACHE,
      };
      const options = { env: { ...own, ...env }, timeout: 60_000 };
      execFile(file, args, options, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
      });
    });
    const calls = (await readFile(join(folder, 'calls'), 'utf8')).split('\0').slice(0, -1);
    const sent = await readFile(join(folder, 'stdin'), 'utf8').catch(() => '');
    return { ...result, folder, calls, sent };
  }

  const clean = async (): Promise<void> => {
    await Promise.all(folders.map((each) => rm(each, { recursive: true, force: true })));
  };
  return { run, call: (tool, args) => execute(join(bin, tool), args), clean };
}

/** Makes a command that records its call with its environment, and then does the same as the tool at `path`. */
async function writeRecorder(command: string, tool: string, path: string): Promise<void> {
  const note = `printf '%s\\0' "${tool} $* $(export -p)" >>"$STAND_IN_FOLDER/calls"`;
  await writeFile(command, `#!/bin/sh\n${note}\nexec '${path}' "$@"\n`);
  await chmod(command, 0o755);
}

/** Returns the rules in order as fields that each end with a NUL, as stand-in.sh reads them. */
function asFields(rules: Rule[]): string {
  return rules
    .flatMap(({ call, after = '', stdout = '', stderr = '', exit = 0 }) => [
      call,
      after,
      stdout,
      stderr,
      exit,
    ])
    .map((field) => `${field}\0`)
    .join('');
}

/** Returns the path of a tool of the system. This Node's folder comes first. */
async function which(tool: string): Promise<string | undefined> {
  for (const folder of [dirname(process.execPath), ...(process.env.PATH ?? '').split(delimiter)]) {
    const path = join(folder, tool);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** Answers `get … --output name` as if these resources exist; `has` in the scripts asks this. */
export function present(...resources: string[]): Rule[] {
  return resources.map((resource) => ({
    call: `^kubectl (--namespace [^ ]+ )?get ${resource} --ignore-not-found --output name`,
    stdout: `${resource.replace(' ', '/')}\n`,
  }));
}
