// Keeps the compiled code of a program, so that its next start does not have to compile it again. A program switches
// this on first, and loads everything else afterwards.
import module from 'node:module';
import { join } from 'node:path';

const NAME = '.compile-cache';

/**
 * Uses the compiled code that is kept in `folder`, if there is any. If the folder cannot be written, or Node has
 * no such cache, the program starts without it.
 */
export function useCompiledCode(folder: string): void {
  module.enableCompileCache?.(join(folder, NAME));
}

/** Keeps what was compiled so far. By itself Node does that only when a process exits normally; ours may be killed. */
export function keepCompiledCode(): void {
  module.flushCompileCache?.();
}
