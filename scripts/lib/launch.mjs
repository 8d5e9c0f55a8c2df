// Starts the command `tessera`. A clone has its own Node, which runs the sources as they are; the package has a bundle.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isNodeNewEnough } from './node-version.mjs';
import { ownNode, prepare } from './prepare.mjs';

const root = join(import.meta.dirname, '../..');
const sources = join(root, 'scripts/start.ts');
const bundle = join(root, 'dist/tessera/main.js');

export async function launch(args) {
  if (existsSync(sources)) {
    if (await prepare({ forTests: false })) runIn(ownNode(), [sources, ...args]);
    else process.exitCode = 1;
  } else if (isNodeNewEnough(24, 0)) {
    await import(pathToFileURL(bundle).href);
  }
}

/** Runs a command in this one's place, as far as that is possible: signals are passed on, and it ends as the command does. */
function runIn(command, args) {
  // The channel closes when this process is killed, by which the command knows.
  const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
}
