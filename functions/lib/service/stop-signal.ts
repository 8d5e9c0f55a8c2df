// Handles SIGTERM and SIGINT from the moment it is imported, so that a process that is stopped during its
// start also ends in order: blur has tiles in flight before it listens.

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));
// The channel that a runner opened to this process closes when the runner is gone. So is its Redis: nothing is left to do.
process.once('disconnect', () => process.exit(1));

/** Aborted when the process is asked to stop; the reason is the signal's name. */
export const stopSignal = stop.signal;
