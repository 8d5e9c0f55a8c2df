// Hears SIGTERM and SIGINT from the moment it is imported, so that a process asked to stop while it is still starting
// ends in order too: blur has tiles in hand before it listens.

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort(signal));

/** Aborted once the process is asked to stop; the reason is the signal's name. */
export const stopSignal = stop.signal;
