// For tests of refusals.
import { Problem } from '../lib/errors.ts';

/**
 * Returns the code of the {@link Problem} that `run` throws, or that its promise rejects with; undefined if
 * there is none. Rethrows other errors.
 */
export async function codeOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return undefined;
}
