// Notices that npm has died: if it is killed, it does not notify its scripts.
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

/** Returns the process that started this one, its parent, and so on. */
function ancestors(count: number): number[] {
  const found = [process.ppid];
  while (found.length < count) found.push(parentOf(found[found.length - 1]));
  return found;
}

/** Returns the parent of a process; 0 if it has ended. */
function parentOf(pid: number): number {
  try {
    if (process.platform !== 'linux') {
      return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
    }
    // "pid (name) state ppid …", and a name may contain any character.
    const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(ppid);
  } catch {
    return 0;
  }
}
