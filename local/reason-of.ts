// What a user reads of a file system's error.

/** Returns the message without the call and the paths: `ENOSPC: no space left on device`. */
export function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /^E[A-Z]+: [^,]+/.exec(message)?.[0] ?? message;
}
