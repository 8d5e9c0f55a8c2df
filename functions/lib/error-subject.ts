// What an error happened to, and where that was noticed. It is noted where it is known, and logged where the error is
// handled.

/** The image, and the tile of it, that were worked on. */
export interface Subject {
  imageId?: string;
  tile?: number;
}

interface Note {
  subject: Subject;
  /** Made where the error was noticed. What Redis refuses has a stack of its own that begins and ends in the client. */
  trace: Error;
}

const notes = new WeakMap<Error, Note>();

/** Does `work`. An error it throws is noted to be about `subject`, and thrown on as it is. */
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

/** What `error`, or what caused it, was about. */
export function subjectOf(error: Error): Subject {
  const cause = error.cause instanceof Error ? subjectOf(error.cause) : {};
  return { ...cause, ...notes.get(error)?.subject };
}

/** An Error made where `error` was noticed, for its stack; undefined when it was not. */
export function traceOf(error: Error): Error | undefined {
  return notes.get(error)?.trace;
}
