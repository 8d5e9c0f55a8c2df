// Runs a command and measures the time and the CPU time that it and all processes it starts take. Works on Linux only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenCpuMs, cpuMs } from './processes.ts';

const SAMPLE_MS = 50;
const RUNNER = 'runner';

export interface CommandCost {
  ms: number;
  /** CPU time of all its processes. */
  cpuMs: number;
  /** CPU time by {@link roleOf}, from samples: the last moments of a process that was killed are missing. */
  roles: Record<string, number>;
}

/** Runs a command line of Node and waits for its end. Throws an Error if it fails. */
export async function measureNode(args: string[]): Promise<CommandCost> {
  const before = childrenCpuMs();
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const roles = await sampleUntil(child.pid ?? 0, ended);
  const [status] = await ended;
  const ms = performance.now() - startedAt;
  if (status !== 0) throw new Error(`node ${args[0]} ended with ${status}`);
  return { ms, cpuMs: childrenCpuMs() - before, roles };
}

/** Samples the process `root` and its descendants until it has ended. Returns the CPU time of each role. */
async function sampleUntil(root: number, ended: Promise<unknown>): Promise<Record<string, number>> {
  const seen = new Map<number, { role: string; ms: number }>();
  const end = new AbortController();
  void ended.then(() => end.abort());
  while (!end.signal.aborted) {
    for (const pid of treeOf(root)) {
      try {
        // A process that was just forked still has its parent's command line; one that has ended has none.
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        const role = commandLine === '' ? seen.get(pid)?.role : roleOf(commandLine);
        seen.set(pid, { role: role ?? RUNNER, ms: cpuMs(pid) });
      } catch {
        // It has just ended.
      }
    }
    await sleep(SAMPLE_MS, undefined, { signal: end.signal }).catch(() => {});
  }
  const roles: Record<string, number> = {};
  for (const { role, ms } of seen.values()) roles[role] = (roles[role] ?? 0) + ms;
  return roles;
}

function treeOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(treeOf)];
  } catch {
    return []; // It has ended.
  }
}

/** Returns what a process does in the pipeline, from its command line. */
function roleOf(commandLine: string): string {
  if (/redis-server|valkey-server/.test(commandLine)) return 'redis';
  return /dist\/(split|blur|assemble)\//.exec(commandLine)?.[1] ?? RUNNER;
}
