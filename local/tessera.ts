// The command `tessera`, which is also `npm start`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blurCommand } from './blur-command.ts';
import { HELP, readOptions } from './options.ts';
import { packageRoot } from './package-root.ts';
import { serveCommand } from './serve-command.ts';
import { hearStopRequests, type StopRequest } from './stop-request.ts';

/**
 * Runs the command line and returns the exit status. `prepare` builds what the functions run from. Throws a
 * {@link UsageError} or a {@link CommandError} if it cannot be done.
 */
export async function tessera(argv: string[], prepare = async () => {}): Promise<number> {
  const options = readOptions(argv, process.env);
  if (options === 'help') return say(HELP);
  if (options === 'version') return say(`tessera ${version()}`);
  goWhereTheUserIs();
  const stop = hearStopRequests();
  try {
    await prepare();
    return await (options.port === null
      ? blurCommand(options, stop)
      : serveCommand(options, options.port, stop));
  } catch (error) {
    if (!stop.aborted) throw error;
    const { message, exitStatus } = stop.reason as StopRequest;
    console.error(message);
    return exitStatus;
  }
}

function say(text: string): number {
  console.log(text);
  return 0;
}

function version(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** npm runs its scripts in the package's folder, but paths on the command line are relative to where npm was called. */
function goWhereTheUserIs(): void {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  if (script === 'start' && folder && process.cwd() === packageRoot) process.chdir(folder);
}
