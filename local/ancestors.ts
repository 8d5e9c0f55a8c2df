// Notices that npm is gone: killed, it tells its scripts nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const EVERY_MS = 500;

/** Calls `onGone` when one of the `count` processes above this one has ended. */
export function watchAncestors(count: number, onGone: () => void): void {
  const before = ancestors(count).join();
  const timer = setInterval(() => {
    if (ancestors(count).join() === before) return;
    clearInterval(timer);
    onGone();
  }, EVERY_MS);
  timer.unref();
}

/** The process that started this one, the one that started that, and so on. */
function ancestors(count: number): number[] {
  const found = [process.ppid];
  while (found.length < count) found.push(parentOf(found[found.length - 1]));
  return found;
}

/** 0 for a process that is gone. */
function parentOf(pid: number): number {
  try {
    if (process.platform !== 'linux') {
      return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
    }
    // "pid (name) state ppid …", and a name may hold anything.
    const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(ppid);
  } catch {
    return 0;
  }
}
