// Runs a command that may take minutes, and shows one line instead of its output.
import { spawn } from 'node:child_process';

const EVERY_MS = 1000;

/** Runs it and returns whether it succeeded, and its output. Shows `what` on standard error, with the seconds on a terminal. */
export async function runQuietly(what, command, args, cwd) {
  const startedAt = Date.now();
  const { isTTY } = process.stderr;
  const show = () => process.stderr.write(`\r${what} (${Math.round((Date.now() - startedAt) / 1000)} s)`);
  if (isTTY) show();
  else console.error(what);
  const timer = isTTY && setInterval(show, EVERY_MS);
  let said = '';
  const isDone = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (said += chunk));
    child.on('error', (error) => {
      said += error.code === 'ENOENT' ? `${command} is not installed` : error.message;
      resolve(false);
    });
    child.on('close', (status) => resolve(status === 0));
  });
  if (timer) clearInterval(timer);
  if (isTTY) process.stderr.write('\n');
  return { isDone, said };
}
