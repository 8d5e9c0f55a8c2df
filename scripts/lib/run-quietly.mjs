// Runs commands that may take minutes, and shows one line instead of their output.
import { spawn } from 'node:child_process';

const EVERY_MS = 1000;

/** Runs a command. Returns whether it succeeded, and its output. Shows `what` meanwhile, see {@link showing}. */
export async function runQuietly(what, command, args, cwd) {
  return showing(what, () => run(command, args, cwd));
}

/** Shows `what` on standard error while `work` lasts, with the seconds on a terminal. Returns what `work` returns. */
export async function showing(what, work) {
  const startedAt = Date.now();
  const { isTTY } = process.stderr;
  const show = () => process.stderr.write(`\r${what} (${Math.round((Date.now() - startedAt) / 1000)} s)`);
  if (isTTY) show();
  else console.error(what);
  const timer = isTTY && setInterval(show, EVERY_MS);
  const result = await work();
  if (timer) clearInterval(timer);
  if (isTTY) process.stderr.write('\n');
  return result;
}

/** Runs a command and shows nothing. Returns whether it succeeded, and its output. */
export async function run(command, args, cwd) {
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
  return { isDone, said };
}
