// For tests of what is refused.
import { Problem } from '../lib/errors.ts';

/** The code of the {@link Problem} that `run` throws, at once or as a promise; undefined when it throws none. Other errors go on. */
export async function codeOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return undefined;
}
