// Hears SIGTERM and SIGINT from the moment it is imported, so that a process asked to stop while it is still starting
// ends in order too: blur has tiles in hand before it listens.

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));
// A runner that is gone cannot ask any more: the channel it opened to this process closes with it.
process.once('disconnect', () => stop.abort('disconnect'));

/** Aborted once the process is asked to stop; the reason is the signal's name. */
export const stopSignal = stop.signal;
