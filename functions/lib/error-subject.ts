// Attaches to an error what it is about, and where it was noticed. This is attached where it is known, and
// logged where the error is handled.

/** The image, and its tile, that was being processed. */
export interface Subject {
  imageId?: string;
  tile?: number;
}

interface Note {
  subject: Subject;
  /** Created where the error was noticed, because the stack of a Redis error begins and ends in the client library. */
  trace: Error;
}

const notes = new WeakMap<Error, Note>();

/** Runs `work`. If it throws, attaches `subject` to the error and rethrows it. */
export async function about<T>(subject: Subject, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) {
      const inner = notes.get(error);
      notes.set(error, {
        subject: { ...subject, ...inner?.subject },
        trace: inner?.trace ?? new Error('noticed here'),
      });
    }
    throw error;
  }
}

/** Returns what `error`, or its cause, was about. */
export function subjectOf(error: Error): Subject {
  const cause = error.cause instanceof Error ? subjectOf(error.cause) : {};
  return { ...cause, ...notes.get(error)?.subject };
}

/** Returns an Error created where `error` was noticed, for its stack, or undefined if there is none. */
export function traceOf(error: Error): Error | undefined {
  return notes.get(error)?.trace;
}
