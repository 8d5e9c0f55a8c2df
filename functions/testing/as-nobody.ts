// Tests of missing rights, which root never meets.

const NOBODY = 65_534;

/** What `run` returns when it may do only what everyone may. */
export async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run();
  process.seteuid?.(NOBODY);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}
