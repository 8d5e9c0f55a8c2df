// Starts the command `tessera`. In a clone, the clone's own Node runs the sources directly; the package has a bundle.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isNodeNewEnough } from './node-version.mjs';
import { ownNode, prepare } from './prepare.mjs';

const root = join(import.meta.dirname, '../..');
const sources = join(root, 'scripts/start.mjs');
const bundle = join(root, 'dist/tessera/main.js');

export async function launch(args) {
  if (existsSync(sources)) {
    if (await prepare({ forTests: false })) runIn(ownNode(), [sources, ...args]);
    else process.exitCode = 1;
  } else if (isNodeNewEnough(24, 0)) {
    await import(pathToFileURL(bundle).href);
  }
}

/** Runs a command as if it replaced this process: passes signals on, and ends in the same way as the command. */
function runIn(command, args) {
  // If this process is killed, the channel closes, so the command notices.
  const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
}
