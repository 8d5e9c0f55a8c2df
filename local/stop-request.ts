// Notices every way in which the user can end a run.
import { constants } from 'node:os';
import { watchAncestors } from './ancestors.ts';

/** Why a run should end, and the exit status of the process. */
export class StopRequest extends Error {
  readonly exitStatus: number;

  constructor(why: string, exitStatus: number) {
    super(why);
    this.exitStatus = exitStatus;
  }
}

/** One Ctrl-C may arrive twice: from the terminal, and from npm, which passes it on. */
const SAME_REQUEST_MS = 500;
/** Cleaning up never takes this long. The guards remove what is left. */
const OVERDUE_MS = 8000;
/** As if it had received SIGTERM. */
const PARENT_GONE = 143;
const OUTPUT_GONE = 1;

/**
 * How many levels above this process npm is. An npm script runs this directly; npx runs a shell, which runs
 * `tessera`.
 */
function levelsBelowNpm(): number | null {
  const { npm_lifecycle_event: script } = process.env;
  if (script === 'start' || script === 's3') return 1;
  // In a clone `tessera` is a separate process, with a channel to this one.
  if (script === 'npx') return process.channel ? 3 : 2;
  return null;
}

/**
 * Returns a signal that is aborted, with a {@link StopRequest} as its reason, when the process should end: by
 * SIGINT, SIGTERM or SIGHUP, because npm or another parent has died, or because nobody reads its output any
 * more. A second request ends the process at once.
 */
export function hearStopRequests(): AbortSignal {
  const stop = new AbortController();
  let firstAt = 0;
  const request = (why: string, exitStatus: number) => {
    if (!stop.signal.aborted) {
      firstAt = performance.now();
      setTimeout(() => process.exit(exitStatus), OVERDUE_MS).unref();
      stop.abort(new StopRequest(why, exitStatus));
    } else if (performance.now() - firstAt > SAME_REQUEST_MS) process.exit(exitStatus);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => request('Interrupted', 128 + constants.signals[signal]));
  }
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', () => request('Nobody reads the output', OUTPUT_GONE));
  }
  if (process.channel) {
    process.channel.unref();
    process.on('disconnect', () => request('The parent process is gone', PARENT_GONE));
  }
  const levels = levelsBelowNpm();
  if (levels !== null) watchAncestors(levels, () => request('npm is gone', PARENT_GONE));
  return stop.signal;
}
