import { Problem } from '../../errors.ts';

/** Throws `invalid-image` with a message that says what is wrong with the PNG. */
export function refusePng(what: string, cause?: unknown): never {
  throw new Problem('invalid-image', `The PNG ${what}`, { cause });
}
