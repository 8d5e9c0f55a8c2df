// Handles SIGTERM and SIGINT from the moment it is imported, so that a process that is stopped during its
// start also ends in order: blur has tiles in flight before it listens.

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));
// A parent that has died cannot send a signal, but the channel that it opened to this process closes.
process.once('disconnect', () => stop.abort('disconnect'));

/** Aborted when the process is asked to stop; the reason is the signal's name. */
export const stopSignal = stop.signal;
