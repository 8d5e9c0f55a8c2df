// For tests of missing permissions, which root never meets.

const NOBODY = 65_534;

/** Returns the result of `run`, which runs with the permissions of the user nobody. */
export async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run();
  process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}
